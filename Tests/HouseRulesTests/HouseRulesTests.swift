import TestSupport
import Testing

/// The sources keep the house rules.
@Suite struct HouseRulesTests {
    static let extensions = [".swift", ".c", ".h", ".modulemap", ".lua", ".md", ".sh", ".py"]

    static func checkedFiles() -> [String] {
        (SourceTree.files(under: "Sources") + SourceTree.files(under: "Tests")).filter { path in
            extensions.contains { path.hasSuffix($0) }
        }
    }

    @Test func theSourcesKeepTheRules() throws {
        let files = Self.checkedFiles()
        try #require(files.contains("Sources/BlockDevices/Syscalls.swift"))
        var violations: [Violation] = []
        for path in files {
            let text = try #require(SourceTree.text(of: path), "\(path) is no text")
            violations += FileChecker(path: path, text: text).violations
        }
        let report = violations.map(\.description).joined(separator: "\n")
        #expect(report == "", "\(violations.count) violations")
    }

    /// Whoever reads about the architecture finds every module there.
    @Test func everyModuleIsInTheArchitecture() {
        guard let text = SourceTree.text(of: "ARCHITECTURE.md") else { return }
        let modules = Set(SourceTree.files(under: "Sources").map { $0.split(separator: "/")[1] })
        for module in modules.sorted() where !text.contains(module) {
            #expect(Bool(false), "ARCHITECTURE.md:0: does not name \(module)")
        }
    }

    /// Lua is reached through one C module, whose header shows nothing of it.
    @Test func onlyTheHostIncludesLua() {
        for path in SourceTree.files(under: "Sources") + SourceTree.files(under: "Tests") {
            let mayInclude = path.hasPrefix("Sources/CLua/") || path.hasPrefix("Sources/CLuaHost/")
            guard path.hasSuffix(".c") || path.hasSuffix(".h"), !mayInclude else { continue }
            for (index, line) in (SourceTree.text(of: path) ?? "").split(separator: "\n").enumerated() {
                #expect(!line.hasPrefix("#include <lua"), "\(path):\(index + 1): includes Lua")
            }
        }
    }
}

/// The checker finds what it looks for, and only that.
@Suite struct FileCheckerTests {
    static func violations(_ text: String, path: String = "Sources/TreeLog/File.swift") -> [String] {
        FileChecker(path: path, text: text).violations.map { "\($0.line): \($0.text)" }
    }

    @Test(arguments: [
        "let a = b!", "let a: Int! = nil", "f()! + 1", "a[1]!.b", "x as! Int", "try! f()", "fatalError(\"\")",
        "print(1)", "Swift.print(1)", "unsafe f()", "@unsafe struct A {}", "nonisolated(unsafe) var a = 1",
        "let text = \"\\(a!)\"", "let text = #\"\"\"\n\"\\#(a!)\"\n\"\"\"#", "// TODO: more", "/* FIXME */",
        "// fine For now", "// as in /work/main", "let a = \"/tmp/treelog\"", "// see issue 5",
        "// helper B wrote it", "import Foundation", "internal import TreeLogCommand",
        "@testable import TreeLogCommand", "import struct CLua.A",
    ])
    func finds(_ text: String) {
        #expect(Self.violations(text).count >= 1)
    }

    @Test(arguments: [
        "a != b", "if !a { }", "f(!a)", "// really!", "let text = \"no!\"", "let a = \"\\(b) c!\"",
        "let text = \"\"\"\n  \"quoted!\" \\(a)!\n  \"\"\"", "/* a /* b! */ c! */", "#\"a\\\"!\"#",
        "@safe struct A {}",
        "let unsafety = 1", "// unsafe", "let printer = 1", "// Scripts/workloads/", "struct Issue {}",
        "import BtrfsVolume", "internal import Synchronization", "// a helper a day", "let a = \"\\\\\" + b",
        "a.importance = 1",
    ])
    func accepts(_ text: String) {
        #expect(Self.violations(text) == [])
    }

    @Test func measuresLinesFilesAndFunctions() {
        #expect(Self.violations(String(repeating: "a", count: HouseRules.columns)) == [])
        #expect(Self.violations(String(repeating: "ä", count: HouseRules.columns)) == [])
        let wide = "\n" + String(repeating: "a", count: HouseRules.columns + 1)
        #expect(Self.violations(wide) == ["2: 121 columns, more than 120"])
        #expect(Self.violations(String(repeating: "\n", count: 400)) == [])
        #expect(Self.violations(String(repeating: "\n", count: 401)) == ["0: 401 lines, more than 400"])

        let body = { (lines: Int) in String(repeating: "    if a { b() }\n", count: lines) }
        #expect(Self.violations("func a(\n  b: Int = c({ 1 })\n) {\n" + body(66) + "}\n") == [])
        let long = ["1: a function of 71 lines, more than 70"]
        #expect(Self.violations("func a(\n  b: Int = c({ 1 })\n) {\n" + body(67) + "}\n") == long)
        #expect(Self.violations("var a: Int {\n" + body(69) + "}\n") == long)
        #expect(Self.violations("init() {\n" + body(69) + "}\n") == long)
        #expect(Self.violations("struct A {\n" + body(100) + "}\n") == [])
        #expect(Self.violations("protocol A {\n  func a()\n}\nextension A {\n" + body(100) + "}\n") == [])
    }

    @Test func whatIsPublicIsDocumented() {
        let missing = { (line: Int) in ["\(line): public, and nothing is said about it"] }
        #expect(Self.violations("public var a = 1") == missing(1))
        #expect(Self.violations("/// A.\npublic struct A {\n    @inlinable public static var b: Int { 1 }\n}") == missing(3))
        #expect(Self.violations("/// A.\npublic var a = 1\npublic func f() {}") == missing(3))
        #expect(Self.violations("// A.\nopen class A {}") == missing(2))
        #expect(Self.violations("/// F.\n@inlinable\npublic func f() {}") == [])
        #expect(Self.violations("public extension A {}\npublic import A\nvar a = 1") == ["2: TreeLog may not import A"])
        #expect(Self.violations("public init() {}\npublic static func < (a: A, b: A) -> Bool { true }") == [])
        #expect(Self.violations("public var a = 1", path: "Tests/TestSupport/A.swift") == [])
    }

    @Test func exceptionsHold() {
        #expect(Self.violations("unsafe f()", path: "Sources/BlockDevices/Syscalls.swift") == [])
        #expect(Self.violations("print(1)", path: "Sources/TreeLogCommand/Verbs/Info.swift") == [])
        #expect(Self.violations("import Foundation", path: "Tests/TestSupport/A.swift") == [])
        #expect(Self.violations("import Foundation", path: "Tests/BlockDevicesTests/A.swift").count == 1)
        #expect(Self.violations("import TreeLog", path: "Sources/BtrfsVolume/A.swift").count == 1)
        #expect(Self.violations("import BtrfsFormat", path: "Sources/NewModule/A.swift").count == 1)
        #expect(Self.violations("// TODO", path: "Sources/CLuaHost/host.c").count == 1)
    }
}
