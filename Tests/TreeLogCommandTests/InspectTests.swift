internal import KernelOracle
internal import TestSupport
internal import Testing

/// `inspect` names every inode that the replay changes, and says what changes.
@Suite struct InspectTests {
    @Test func tellsWhatWouldBeLost() throws {
        let images = try Images("conflict_rename_recreate")
        let run = try ToolRun("inspect", images.path)
        #expect(run.status == 0 && run.errors == "", "\(run)")
        #expect(run.text.contains("Without the log would be lost: 1 new file, 1 rename (300 B of data)."), "\(run)")
        #expect(run.lines.contains("  /d/bar  renamed from /d/foo"), "\(run)")
        #expect(run.lines.contains("  /d/foo  new file, 300 B of data"), "\(run)")
        #expect(try images.areUntouched())
    }

    @Test func theDocumentHasTotals() throws {
        let images = try Images("two_subvolumes")
        let json = try ToolRun("inspect", "--json", images.path).json()
        #expect(json["schema"]?.string == "treelog.inspect/1" && json["result"]?.string == "replayable")
        #expect(json["totals"]?["data_bytes"]?.integer == 36100 && json["totals"]?["created"]?.integer == 2)
        let changes = try #require(json["subvolumes"]?.elements?.first?["inodes"]?.elements?.first)
        #expect(changes["path"]?.string == "/a" && changes["size_before"]?.integer == 3000)
        #expect(changes["size_after"]?.integer == 12000 && changes["data_bytes"]?.integer == 12000)
    }

    /// A sample of all kinds of images; the state documents before and after are the judge.
    static let sample = Corpus.images.enumerated().filter { $0.offset % 12 == 5 }.map(\.element.name)

    @Test(arguments: sample)
    func missesNothing(_ name: String) throws {
        let images = try Images(name)
        let before = try ToolRun(["state"] + images.paths).json()
        let after = try ToolRun(["state", "--replayed"] + images.paths).json()
        let inspected = try ToolRun(["inspect", "--json"] + images.paths).json()
        let subvolumes = try #require(inspected["subvolumes"]?.elements)
        for (path, state) in try #require(after["subvolumes"]?.members) {
            let new = try #require(state["inodes"]?.members)
            let old = before["subvolumes"]?[path]?["inodes"]?.members ?? [:]
            let changes = subvolumes.first { $0["id"] == state["id"] }?["inodes"]?.elements ?? []
            var kinds: [String: [JSONValue]] = [:]
            for change in changes {
                kinds[try #require(change["inode"]).description] = try #require(change["changes"]?.elements)
            }
            for inode in Set(old.keys).union(new.keys) {
                let isNew = old[inode] == nil
                let isGone = new[inode] == nil
                #expect((kinds[inode] ?? []).contains(.string("created")) == isNew, "\(path) \(inode)")
                #expect((kinds[inode] ?? []).contains(.string("deleted")) == isGone, "\(path) \(inode)")
                guard !isNew, !isGone, Self.visible(old[inode]) != Self.visible(new[inode]) else { continue }
                #expect(kinds[inode] != nil, "\(path) \(inode) changed and is not listed")
            }
        }
    }

    /// What belongs to the inode by itself. The size of a directory follows from its names, and whether an extent is
    /// shared from other files.
    private static func visible(_ inode: JSONValue?) -> [String: JSONValue]? {
        var members = inode?.members
        for name in ["ctime", "extents"] { members?[name] = nil }
        if inode?["type"]?.string == "dir" { members?["size"] = nil }
        return members
    }
}
