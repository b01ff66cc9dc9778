internal import KernelOracle
internal import TestSupport
internal import Testing

/// `Documentation/json.md` names every member of every document that the command prints.
@Suite struct DocumentTests {
    static let runs = [
        ["info"], ["check"], ["inspect"], ["inspect", "--policy", "salvage"], ["replay", "--dry-run"], ["walk"],
        ["walk", "--process", "free"], ["ls", "-R"], ["stat", "-p", "/s1/a"], ["cat", "-p", "/s1/a"],
        ["cat", "-p", "/nothing"],
    ]
    /// Objects whose members have names of their own: types of items, kinds of conflicts and the like.
    static let maps: Set = ["item", "types", "counts", "ignored_items", "tolerated", "error_counts"]

    @Test func allMembersAreDocumented() throws {
        let text = try #require(SourceTree.text(of: "Documentation/json.md"))
        let images = try Images("two_subvolumes")
        var documents = try Self.runs.map { try ToolRun($0 + ["--json", images.path]) }
        documents.append(try ToolRun("walk", "--list", "--json"))
        _ = try images.damageLeaf(ofLog: 256)
        documents += try Self.runs.map { try ToolRun($0 + ["--json", images.path]) }
        let item = try ToolRun.shell("\"$0\" dump --json \"$1\" | head -n 1", [images.path])
        documents += [item, try ToolRun("info", "--json", images.folder.path)]
        for document in documents {
            let json = try document.json()
            let schema = try #require(json["schema"]?.string)
            #expect(text.contains(schema.prefix { $0 != "/" } + "/1"), "\(schema)")
            for name in Self.names(in: json) {
                #expect(text.contains("`\(name)`"), "\(schema): '\(name)' is not documented")
            }
        }
    }

    private static func names(in value: JSONValue) -> Set<String> {
        var names: Set<String> = []
        for (name, member) in value.members ?? [:] {
            names.insert(name)
            if !maps.contains(name) { names.formUnion(Self.names(in: member)) }
        }
        for element in value.elements ?? [] { names.formUnion(Self.names(in: element)) }
        return names
    }
}
