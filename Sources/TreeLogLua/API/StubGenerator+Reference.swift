extension StubGenerator {
    /// The reference in `Documentation/lua.md`: everything from its heading on.
    public static func reference() -> String {
        var lines = [
            "## Reference", "",
            "Made by `treelog plugin stubs --reference` from the table that the program itself checks by; the same as",
            "`Plugins/meta/treelog.lua`.", "",
            "### `treelog.Field`", "",
            "A field of an item type; call it with a table for more: `u32 \"flags\" { format = \"hex\" }`.",
        ]
        for entry in APITable.classes {
            lines += ["", "### `\(entry.name)`", "", entry.describedDoc, ""]
            lines += entry.entries.map { line($0, of: entry) }
        }
        let words: [(String, [String])] = [
            ("treelog.ConflictWord", APITable.conflictWords), ("treelog.ResolutionWord", APITable.resolutionWords),
            ("treelog.FilterWord", APITable.filterWords), ("treelog.HandlerWord", APITable.handlerWords),
            ("treelog.ReasonWord", APITable.reasonWords),
        ]
        lines += ["", "### Words", ""]
        lines += words.map { name, words in
            "- `\(name)`: \(words.map { "`\"\($0)\"`" }.joined(separator: ", "))."
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ member: APIEntry, of entry: APIClass) -> String {
        let phases = entry.phases(of: member).map { " \($0)" } ?? ""
        switch member.kind {
        case .field(let type):
            let isOptional = type.hasSuffix("?")
            let bare = isOptional ? String(type.dropLast()) : type
            return "- `\(member.name)\(isOptional ? "?" : "")`: `\(bare)`. \(member.doc)"
        case .function(let parameters, let returns):
            return call("\(entry.name).\(member.name)", parameters, returns) + " \(member.doc)\(phases)"
        case .method(let parameters, let returns):
            let owner = entry.name.split(separator: ".").last.map(String.init) ?? entry.name
            return call("\(owner):\(member.name)", parameters, returns) + " \(member.doc)\(phases)"
        }
    }

    private static func call(_ name: String, _ parameters: [APIParameter], _ returns: String?) -> String {
        let list = parameters.map { parameter in
            let isOptional = parameter.type.hasSuffix("?") && parameter.name != "..."
            return isOptional ? "\(parameter.name)?" : parameter.name
        }
        let types = parameters.filter { $0.name != "..." }
            .map { "`\($0.name)` is `\($0.type.hasSuffix("?") ? String($0.type.dropLast()) : $0.type)`" }
        let returned = returns.map { " → `\($0)`" } ?? ""
        let described = types.isEmpty ? "" : " " + types.joined(separator: ", ") + "."
        return "- `\(name)(\(list.joined(separator: ", ")))`\(returned).\(described)"
    }
}
