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

    static let guestSkipReason = KernelOracle.skipReason(.userModeLinux, .btrfsCheck)
    static let hostSkipReason = KernelOracle.skipReason(.userModeLinux, .btrfsCheck, .hostKernel)

    /// A volume of several subvolumes, with items of all kinds under each file.
    private struct Scene: ~Copyable {
        let images: Images
        let plugin: String
        /// Of each file, as options.
        let places: [[String]]

        init() throws {
            let images = try Images("two_subvolumes")
            #expect(try ToolRun("replay", images.path).status == 0)
            let plugin = images.folder.file("kinds.lua")
            #expect(try ToolRun.shell("printf %s \"$1\" > \"$2\"", [ItemKernelTests.plugin, plugin]).status == 0)
            let entries = try ToolRun("ls", "-R", "--json", images.path).json()["entries"]?.elements ?? []
            let files = entries.filter { $0["type"]?.string == "file" }
            let places = files.compactMap { file -> [String]? in
                guard let subvolume = file["subvolume"]?.integer, let inode = file["inode"]?.integer else { return nil }
                return ["--subvolume", "\(subvolume)", "--inode", "\(inode)"]
            }
            #expect(Set(places.map { $0[1] }).count >= 2, "\(places)")
            for place in places {
                for kind in ItemKernelTests.kinds {
                    let item = ["--plugin", plugin, "--item", "KIND_\(kind)", "--value", "kind_number=\(kind)"]
                    let put = try ToolRun(["item", "put"] + item + place + ["--value", "rest=00ff", images.path])
                    #expect(put.status == 0, "\(put)")
                }
            }
            let isClean = try BtrfsCheck.run(images: [images.path]).isClean
            try #require(isClean)
            (self.plugin, self.places) = (plugin, places)
            self.images = images
        }

        /// Whether the items of a volume survived the work that was done on it.
        func check(_ image: String) throws {
            let verdict = try BtrfsCheck.run(images: [image])
            try #require(verdict.isClean, "\(verdict)")
            for place in places {
                for kind in ItemKernelTests.kinds {
                    let get = ["item", "get", "--plugin", plugin, "--item", "KIND_\(kind)"]
                    let got = try ToolRun(get + place + [image])
                    #expect(got.status == 0 && got.text.contains("kind_number \(kind) "), "\(got)")
                }
            }
            // Each snapshot has all items of what it is a snapshot of.
            let counts = try (1...Set(places.map { $0[1] }).count).map { number in
                let subvolume = ["--subvolume", "snapshot-\(number)"]
                let list = try ToolRun(["item", "list", "--json", "--plugin", plugin] + subvolume + [image])
                #expect(list.status == 0, "\(list)")
                return list.lines.count
            }
            #expect(counts.reduce(0, +) == places.count * ItemKernelTests.kinds.count, "\(counts)")
        }

        func workInGuest() throws {
            let outcome = try UserModeLinux.mount(volumes: [[images.path]], script: ItemKernelTests.work)
            try #require(outcome[0].isMounted, "\(outcome)")
            try check(images.path)
        }
    }

    @Test(.enabled(if: guestSkipReason == nil, Comment(rawValue: guestSkipReason ?? "")))
    func itemsOfAllKindsSurviveInAllSubvolumes() throws { try Scene().workInGuest() }

    /// The kernel of this machine sees nothing that one in a process has not lived through.
    @Test(.enabled(if: hostSkipReason == nil, Comment(rawValue: hostSkipReason ?? "")))
    func itemsSurviveTheKernelOfThisMachine() throws {
        let scene = try Scene()
        let copy = scene.images.folder.file("host.img")
        try #require(try ToolRun.shell("cp --sparse=always \"$1\" \"$2\"", [scene.images.path, copy]).status == 0)
        try scene.workInGuest()
        try HostKernel.mount(images: [copy]) { root in
            let work = try ToolRun.shell("MOUNT=$1\n" + Self.work, [root])
            #expect(work.status == 0, "\(work)")
        }
        try scene.check(copy)
    }
}
