internal import KernelOracle
internal import TestSupport
internal import Testing

/// Items of plugins in volumes that Linux then works on: of all kinds, in all subvolumes.
@Suite struct ItemKernelTests {
    /// The first and the last of the mandatory types and of the optional ones.
    private static let kinds = [25, 35, 97, 107]

    private static let plugin = """
        local u32, bytes = treelog.u32, treelog.bytes
        local items = {}
        for i, kind in ipairs { 25, 35, 97, 107 } do
          items[i] = treelog.item_type {
            name = "KIND_" .. kind, kind = kind, optional = kind > 90, fields = { u32 "kind_number", bytes "rest" },
          }
        end
        return treelog.plugin { name = "kinds", version = "1.0.0", api = 1, items = items }
        """

    /// Every file is written, cut, extended, cloned in a snapshot, and cut again.
    private static let work = """
        for file in $(find $MOUNT -type f); do
            echo more >> "$file" && truncate -s 3 "$file" && truncate -s 1M "$file" && sync -f "$file" || exit 1
        done
        number=0
        for folder in $(find $MOUNT -type d -inum 256); do
            number=$((number + 1))
            btrfs subvolume snapshot "$folder" "$MOUNT/snapshot-$number" || exit 1
        done
        for file in $(find $MOUNT -type f); do truncate -s 0 "$file" || exit 1; done
        sync -f $MOUNT
        """

    @Test(.enabled(if: UserModeLinux.isAvailable && BtrfsCheck.isAvailable, "needs user-mode-linux and btrfs-progs"))
    func itemsOfAllKindsSurviveInAllSubvolumes() throws {
        let images = try Images("two_subvolumes")
        #expect(try ToolRun("replay", images.path).status == 0)
        let path = images.folder.file("kinds.lua")
        #expect(try ToolRun.shell("printf %s \"$1\" > \"$2\"", [Self.plugin, path]).status == 0)
        let entries = try ToolRun("ls", "-R", "--json", images.path).json()["entries"]?.elements ?? []
        let files = entries.filter { $0["type"]?.string == "file" }
        let places = files.compactMap { file -> [String]? in
            guard let subvolume = file["subvolume"]?.integer, let inode = file["inode"]?.integer else { return nil }
            return ["--subvolume", "\(subvolume)", "--inode", "\(inode)"]
        }
        #expect(Set(places.map { $0[1] }).count >= 2, "\(places)")
        for place in places {
            for kind in Self.kinds {
                let item = ["--plugin", path, "--item", "KIND_\(kind)", "--value", "kind_number=\(kind)"]
                let put = try ToolRun(["item", "put"] + item + place + ["--value", "rest=00ff", images.path])
                #expect(put.status == 0, "\(put)")
            }
        }
        #expect(try BtrfsCheck.run(images: [images.path]).isClean)
        let outcome = try UserModeLinux.mount(volumes: [[images.path]], script: Self.work)
        #expect(outcome[0].isMounted, "\(outcome)")
        let verdict = try BtrfsCheck.run(images: [images.path])
        #expect(verdict.isClean, "\(verdict)")
        for place in places {
            for kind in Self.kinds {
                let get = ["item", "get", "--plugin", path, "--item", "KIND_\(kind)"]
                let got = try ToolRun(get + place + [images.path])
                #expect(got.status == 0 && got.text.contains("kind_number \(kind) "), "\(got)")
            }
        }
        // Each snapshot has all items of what it is a snapshot of.
        let counts = try (1...Set(places.map { $0[1] }).count).map { number in
            let subvolume = ["--subvolume", "snapshot-\(number)"]
            let list = try ToolRun(["item", "list", "--json", "--plugin", path] + subvolume + [images.path])
            #expect(list.status == 0, "\(list)")
            return list.lines.count
        }
        #expect(counts.reduce(0, +) == places.count * Self.kinds.count, "\(counts)")
    }
}
