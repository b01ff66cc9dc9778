import BlockDevices
import BtrfsFormat
import BtrfsVolume
import Foundation
import KernelOracle
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// The plugins in `Plugins` load, pass their tests, and decide in replays of real logs.
@Suite struct ShippedPluginsTests {
    static let names = [
        "audit", "counter", "keep-both", "kv", "log-stats", "newest-wins", "paranoid", "quarantine", "set",
    ]
    static let folder = Fixtures.packageRoot + "/Plugins"

    static func plugin(_ name: String) throws -> Plugin { try Plugin(try PluginSource(at: "\(folder)/\(name)")) }

    @Test func allOfThemAreListedHere() throws {
        #expect(try PluginSource.discover(in: Self.folder).map { $0.path } == Self.names.map { "\(Self.folder)/\($0)" })
        // And all together.
        var registry = Registry.mainline
        try PluginSet(folders: [Self.folder]).register(in: &registry)
    }

    @Test(arguments: names) func passesItsTests(_ name: String) throws {
        let tester = try PluginTester(try PluginSource(at: "\(Self.folder)/\(name)"))
        for test in tester.names {
            let failure = tester.run(test).failure
            #expect(failure == nil, "\(test): \(failure ?? "")")
        }
        #expect(FileManager.default.fileExists(atPath: "\(Self.folder)/\(name)/README.md"))
    }

    @Test(arguments: names) func decidesTheSameTwice(_ name: String) throws {
        let plugin = try Self.plugin(name)
        plugin.verification = .twice
        let devices = try Corpus.image(named: "conflict_unlink_recreate").load()
        let policy = name == "paranoid" ? "mainline" : plugin.policies.first?.name ?? "mainline"
        _ = try replay(devices, plugin, policy: policy)
    }

    // MARK: Replays of the corpus

    static let conflicts = [
        "conflict_file_replaced_by_rename", "conflict_rename_recreate", "conflict_rotate_three",
        "conflict_unlink_recreate",
    ]

    /// Replays an image and has btrfs check judge the result.
    private func result(_ image: String, _ name: String, policy: String) throws -> (ReplayReport, Namespace) {
        let devices = try Corpus.image(named: image).load()
        let (transaction, report) = try replay(devices, try Self.plugin(name), policy: policy)
        try transaction.commit()
        let folder = try TemporaryFolder()
        let paths = devices.indices.map { folder.file("\($0).img") }
        for (device, path) in zip(devices, paths) { try device.writeImage(to: path) }
        if BtrfsCheck.isAvailable {
            let verdict = try BtrfsCheck.run(images: paths)
            #expect(verdict.isClean, "\(image) with \(name): \(verdict)")
        }
        let tree = try #require(try Volume(opening: devices).tree(.fileTree))
        return (report, Namespace(tree))
    }

    @Test(arguments: conflicts) func keepBothKeepsBoth(_ image: String) throws {
        let (report, files) = try result(image, "keep-both", policy: "keep-both")
        for rename in report.subvolumes.flatMap(\.renames) {
            #expect(String(decoding: rename.name, as: UTF8.self).hasSuffix(".conflict-\(rename.inode)"))
            #expect(try files.names(of: rename.inode).map(\.name).contains(rename.name))
        }
    }

    @Test(arguments: conflicts) func newestWinsIsMainlineForALogOfItsOwnVolume(_ image: String) throws {
        let (report, _) = try result(image, "newest-wins", policy: "newest-wins")
        #expect(!report.isPartial)
    }

    @Test(arguments: conflicts) func quarantineMovesLosers(_ image: String) throws {
        let (report, files) = try result(image, "quarantine", policy: "mainline")
        let notes = report.extensions.flatMap(\.messages)
        let folder = try files.entry(named: Array("lost+found".utf8).rawSpan, in: .firstFree)
        #expect((folder != nil) == !notes.isEmpty)
        guard let folder else { return }
        var count = 0
        var entries = files.entries(of: folder.location.objectID)
        while let entry = try entries.next() {
            #expect(try files.inode(entry.target.location.objectID) != nil)
            count += 1
        }
        #expect(count == notes.count)
    }

    @Test func someLosersMove() throws {
        let moved = try Self.conflicts.reduce(0) {
            try $0 + result($1, "quarantine", policy: "mainline").0.extensions.flatMap(\.messages).count
        }
        #expect(moved > 0)
    }

    @Test func paranoidStopsAndTells() throws {
        let devices = try Corpus.image(named: "conflict_unlink_recreate").load()
        let before = devices.map { $0.copy() }
        let error = #expect(throws: LogError.self) {
            try replay(devices, try Self.plugin("paranoid"), policy: "paranoid")
        }
        #expect("\(String(describing: error))".contains("committed"))
        for (device, old) in zip(devices, before) { #expect(device.contentEquals(old)) }
        // A log with nothing but a new file is no conflict.
        _ = try replay(try Corpus.image(named: "create_fsync").load(), try Self.plugin("paranoid"), policy: "paranoid")
    }

    // MARK: For editors and linters

    @Test func theStubsAreThoseOfTheAPI() throws {
        let stubs = try String(contentsOfFile: Self.folder + "/meta/treelog.lua", encoding: .utf8)
        #expect(stubs == StubGenerator.luaLS(), "make them anew: treelog plugin stubs > Plugins/meta/treelog.lua")
        let configuration = try String(contentsOfFile: Fixtures.packageRoot + "/.luacheckrc", encoding: .utf8)
        #expect(configuration == StubGenerator.luacheckConfiguration(), "treelog plugin stubs --luacheck > .luacheckrc")
        for entry in APITable.classes { #expect(stubs.contains("---@class \(entry.name)\n"), "\(entry.name)") }
    }

    @Test func theReferenceIsThatOfTheAPI() throws {
        let guide = try String(contentsOfFile: Fixtures.packageRoot + "/Documentation/lua.md", encoding: .utf8)
        let start = try #require(guide.range(of: "## Reference\n"))
        let reference = String(guide[start.lowerBound...])
        #expect(reference == StubGenerator.reference(), "make it anew: treelog plugin stubs --reference")
    }

    @Test func theGuideTellsWhyAnFsyncIsACommit() throws {
        let guide = try String(contentsOfFile: Fixtures.packageRoot + "/Documentation/workloads.md", encoding: .utf8)
        let lines = guide.split(separator: "\n").filter { $0.hasPrefix("| `") }.dropFirst()
        let words = lines.map { String($0.dropFirst(3).prefix { $0 != "`" }) }
        #expect(words == APITable.reasonWords)
    }

    /// In the guide each guarantee names the tests that show it.
    @Test func eachGuaranteeHasTests() throws {
        let guide = try String(contentsOfFile: Fixtures.packageRoot + "/Documentation/lua.md", encoding: .utf8)
        let start = try #require(guide.range(of: "## What is guaranteed\n")).upperBound
        let end = try #require(guide.range(of: "What is not guaranteed:", range: start..<guide.endIndex)).lowerBound
        var sources = ""
        for folder in ["LuaRuntimeTests", "TreeLogLuaTests", "TreeLogCommandTests"] {
            let path = "\(Fixtures.packageRoot)/Tests/\(folder)"
            for file in try FileManager.default.contentsOfDirectory(atPath: path) where file.hasSuffix(".swift") {
                sources += try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
            }
        }
        for guarantee in guide[start..<end].components(separatedBy: "\n- ").dropFirst() {
            let comment = try #require(guarantee.range(of: "<!-- tests: "), "no tests: \(guarantee)")
            let rest = guarantee[comment.upperBound...]
            let list = rest[..<(try #require(rest.range(of: "-->"))).lowerBound]
            for name in list.split(whereSeparator: { ",\n ".contains($0) }) {
                #expect(sources.contains("func \(name)("), "there is no test \(name)")
            }
        }
    }

    static let luacheck = ["/usr/bin/luacheck", "/usr/local/bin/luacheck"].first(
        where: FileManager.default.isExecutableFile(atPath:))

    @Test(.enabled(if: luacheck != nil)) func luacheckHasNothingToSay() throws {
        #expect(try Shell.run("luacheck --quiet Plugins Scripts/workloads", in: Fixtures.packageRoot) == 0)
    }
}
