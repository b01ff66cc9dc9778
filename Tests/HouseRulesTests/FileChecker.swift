/// Finds what in one file breaks the house rules.
struct FileChecker {
    private(set) var violations: [Violation] = []
    private let path: String

    init(path: String, text: String) {
        self.path = path
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        checkLengths(lines)
        checkPhrases(lines, text)
        if path.hasSuffix(".swift") {
            let swift = SwiftText(text)
            checkFunctionLengths(FunctionLengths(code: swift.code).functions)
            checkDocumentation(lines, swift.code.map(words))
            for (index, code) in swift.code.enumerated() { checkCode(code, words(of: code), line: index + 1) }
            for (index, prose) in swift.prose.enumerated() { checkWords(words(of: prose), line: index + 1) }
        } else {
            for (index, line) in lines.enumerated() {
                checkWords(words(of: Array(line.utf8)), line: index + 1)
            }
        }
    }

    private mutating func checkDocumentation(_ lines: [Substring], _ code: [[String]]) {
        guard path.hasPrefix("Sources/") else { return }
        for index in DocumentationRule.undocumented(lines, code: code) {
            report(.documentation, index + 1, "public, and nothing is said about it")
        }
    }

    private mutating func report(_ rule: HouseRules.Rule, _ line: Int, _ text: String) {
        guard !HouseRules.isExcepted(path, from: rule) else { return }
        violations.append(Violation(path: path, line: line, text: text))
    }

    private mutating func checkLengths(_ lines: [Substring]) {
        let limit = path.hasPrefix("Tests/") ? HouseRules.testColumns : HouseRules.columns
        for (index, line) in lines.enumerated() where line.utf8.count > limit && line.count > limit {
            report(.lineLength, index + 1, "\(line.count) columns, more than \(limit)")
        }
        let count = lines.last == "" ? lines.count - 1 : lines.count
        if count > HouseRules.fileLines {
            report(.fileLength, 0, "\(count) lines, more than \(HouseRules.fileLines)")
        }
    }

    private mutating func checkFunctionLengths(_ functions: [ClosedRange<Int>]) {
        for function in functions where function.count > HouseRules.functionLines {
            let text = "a function of \(function.count) lines, more than \(HouseRules.functionLines)"
            report(.functionLength, function.lowerBound + 1, text)
        }
    }

    /// Most files have none of the phrases, so lines are looked at only in those that do.
    private mutating func checkPhrases(_ lines: [Substring], _ text: String) {
        let small = text.lowercased()
        let rules =
            HouseRules.unfinishedPhrases.map { (HouseRules.Rule.unfinished, $0) }
            + HouseRules.originPhrases.map { (HouseRules.Rule.origin, $0) }
        for (rule, phrase) in rules where small.contains(phrase) {
            for (index, line) in lines.enumerated() {
                for match in line.lowercased().ranges(of: phrase) {
                    let before = line.lowercased()[..<match.lowerBound].utf8.last
                    // A longer path may have the same part.
                    if rule == .origin, before?.isPartOfWord == true { continue }
                    report(rule, index + 1, "says '\(phrase)'")
                }
            }
        }
    }

    private mutating func checkWords(_ words: [String], line: Int) {
        for (index, word) in words.enumerated() {
            if HouseRules.unfinishedWords.contains(word) { report(.unfinished, line, "says '\(word)'") }
            if HouseRules.originWords.contains(word.lowercased()) { report(.origin, line, "says '\(word)'") }
            let next = index + 1 < words.count ? words[index + 1] : ""
            if word.lowercased() == "helper", next.count == 1, next != "a", next.first?.isLetter == true {
                report(.origin, line, "says '\(word) \(next)'")
            }
        }
    }

    private mutating func checkCode(_ code: [UInt8], _ words: [String], line: Int) {
        for word in words {
            switch word {
            case "unsafe": report(.memorySafety, line, "says 'unsafe'")
            case "fatalError": report(.noForce, line, "calls fatalError")
            case "print", "debugPrint": report(.output, line, "calls \(word)")
            default: break
            }
        }
        for index in code.indices.dropFirst() where code[index] == UInt8(ascii: "!") {
            let before = code[index - 1]
            let isPostfix = before.isPartOfWord || ")]}>\"?".utf8.contains(before)
            let isComparison = index + 1 < code.count && code[index + 1] == UInt8(ascii: "=")
            guard isPostfix, !isComparison else { continue }
            let context = code[max(0, index - 20)...index].drop { $0 == UInt8(ascii: " ") }
            report(.noForce, line, "forces: \(String(decoding: context, as: UTF8.self))")
        }
        checkImport(words, line: line)
    }

    private mutating func checkImport(_ words: [String], line: Int) {
        guard let module = importedModule(words) else { return }
        let parts = path.split(separator: "/")
        if parts[0] == "Sources", !HouseRules.standardModules.contains(module) {
            guard let allowed = HouseRules.imports[String(parts[1])] else {
                return report(.imports, line, "the module \(parts[1]) is not in the table of imports")
            }
            if !allowed.contains(module) { report(.imports, line, "\(parts[1]) may not import \(module)") }
        }
        let mayUseFoundation = HouseRules.foundationUsers.contains { path.hasPrefix($0) }
        if module.hasPrefix("Foundation"), !mayUseFoundation { report(.imports, line, "imports \(module)") }
    }

    /// The module that a line imports. `import struct Module.Name` names it second.
    private func importedModule(_ words: [String]) -> String? {
        let modifiers: Set = ["public", "package", "internal", "private", "testable", "preconcurrency"]
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        guard let place = words.firstIndex(of: "import"), words[..<place].allSatisfy(modifiers.contains)
        else { return nil }
        return words[(place + 1)...].first { !kinds.contains($0) }
    }

    private func words(of text: [UInt8]) -> [String] {
        text.split { !$0.isPartOfWord }.map { String(decoding: $0, as: UTF8.self) }
    }
}
