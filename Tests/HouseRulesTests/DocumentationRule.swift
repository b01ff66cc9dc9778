/// Finds public declarations that nothing is said about.
struct DocumentationRule {
    /// Members that say what a protocol has said already: their documentation is the protocol's.
    private static let inherited: Set = [
        // Of the standard library.
        "rawValue", "init", "description", "hash", "next", "makeIterator", "encode", "subscript",
        // Devices, and streams of bytes.
        "name", "byteCount", "isReadOnly", "servesManyThreads", "dataRanges", "read", "write", "flush",
        // Values and structures on disk.
        "fieldByteCount", "fieldFormat", "names", "layout", "layoutField", "store", "encoded", "bytes",
        // What is registered.
        "stage", "summary", "replay", "process", "resolve", "pin", "wait", "free", "record", "describe", "pathBytes",
    ]
    private static let introducers: Set = [
        "func", "var", "let", "init", "struct", "class", "enum", "protocol", "actor", "subscript", "case",
    ]

    /// The lines, counted from 0, of declarations without documentation.
    ///
    /// - Parameter code: the words of each line, without comments and strings.
    static func undocumented(_ lines: [Substring], code: [[String]]) -> [Int] {
        code.indices.filter { index in
            let words = code[index]
            // The pattern `.open` is no declaration.
            guard let place = words.firstIndex(where: { $0 == "public" || $0 == "open" }),
                !words[..<place].contains("case"),
                let kind = words[place...].firstIndex(where: introducers.contains),
                words[place..<kind].allSatisfy({ $0 != "import" && $0 != "extension" })
            else { return false }
            let name = words[kind] == "init" ? "init" : kind + 1 < words.count ? words[kind + 1] : words[kind]
            let isOperator = lines[index].contains("func <") || lines[index].contains("func ==")
            return !isOperator && !inherited.contains(name) && !isDocumented(index, lines)
        }
    }

    private static func isDocumented(_ index: Int, _ lines: [Substring]) -> Bool {
        var above = index - 1
        // Attributes come between a declaration and what is said of it.
        while above >= 0, text(lines[above]).hasPrefix("@"), !lines[above].contains("public ") { above -= 1 }
        return above >= 0 && text(lines[above]).hasPrefix("///")
    }

    private static func text(_ line: Substring) -> Substring { line.drop { $0 == " " } }
}
