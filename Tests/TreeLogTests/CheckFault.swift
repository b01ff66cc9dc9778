import BlockDevices
import BtrfsFormat
import BtrfsVolume
import HostileImages
import TestSupport
import Testing

/// Something that was made wrong with a volume of the corpus, after its replay; all checksums are good again.
struct CheckFault: Sendable, CustomTestStringConvertible {
    enum Judge: Sendable {
        case btrfsCheck
        /// `btrfs check` does not see it, or cannot open the volume; with the reason.
        case nobody(String)
    }

    let name: String
    let image: String
    /// What the check must find, at least.
    let kind: CheckFinding.Kind
    let judge: Judge
    let make: @Sendable (HostileImage) throws -> [MemoryDevice]

    var testDescription: String { name }

    init(
        _ name: String, in image: String = "mix_a.default", _ kind: CheckFinding.Kind, judge: Judge = .btrfsCheck,
        _ make: @escaping @Sendable (HostileImage) throws -> [MemoryDevice]
    ) {
        self.name = name
        self.image = image
        self.kind = kind
        self.judge = judge
        self.make = make
    }

    /// A volume in which the children of blocks are referred to by the addresses of these blocks.
    static let sharedBlocks = "shared_blocks"

    /// A volume with full quotas, and groups in groups.
    static let quotas = "quotas"
    /// Volumes without a log, which were made for the check.
    static let volumes = [sharedBlocks, quotas]

    static func load(_ volume: String) throws -> [MemoryDevice] {
        [try Fixtures.device(of: Fixtures.folder + "/check/\(volume).img.zst")]
    }

    /// The image after its replay.
    static func base(_ name: String) throws -> HostileImage {
        if volumes.contains(name) { return try HostileImage(name: name, devices: load(name)) }
        let devices = try Corpus.image(named: name).load()
        try Replays.replay(devices)
        return try HostileImage(name: name, devices: devices)
    }
}

/// Changing one item of a volume.
extension HostileImage {
    /// Changes the first item that fits; the changed items take its place.
    func replacingFirst(
        in tree: ObjectID, where fits: (LooseItem) -> Bool, _ change: (LooseItem) throws -> [LooseItem]
    ) throws -> [MemoryDevice] {
        var isDone = false
        var failure: (any Error)?
        let devices = try changing(tree) { items in
            guard !isDone, let index = items.firstIndex(where: fits) else { return }
            isDone = true
            do { items.replaceSubrange(index...index, with: try change(items[index])) } catch { failure = error }
        }
        if let failure { throw failure }
        try #require(isDone, "no item to change")
        return devices
    }

    /// Takes away the first item that fits.
    func removingFirst(in tree: ObjectID, where fits: (LooseItem) -> Bool) throws -> [MemoryDevice] {
        try replacingFirst(in: tree, where: fits) { _ in [] }
    }

    /// Changes the data of the first item of a type that fits.
    func editingFirst<Item: FixedSizeItem>(
        in tree: ObjectID, _ type: KeyType, where fits: (Key, Item) -> Bool = { _, _ in true },
        _ change: (inout Item) -> Void
    ) throws -> [MemoryDevice] {
        try replacingFirst(in: tree, where: { $0.key.type == type && ($0.decoded().map { fits($0.0, $0.1) } ?? false) }) {
            let (_, item): (Key, Item) = try #require($0.decoded())
            var changed = item
            change(&changed)
            let rest = $0.data.dropFirst(Item.byteCount)
            return [LooseItem(key: $0.key, data: changed.encoded + rest)]
        }
    }

    /// Changes the first file extent that is neither inline nor a hole.
    func editingFileExtent(
        where fits: (Key, FileExtent) -> Bool = { _, _ in true }, _ change: (inout Key, inout FileExtent) -> Void
    ) throws -> [MemoryDevice] {
        func extent(_ item: LooseItem) -> FileExtent? {
            let data = item.data
            guard item.key.type == .extentData, let extent = try? FileExtent(data.rawSpan), !extent.isInline,
                !extent.isHole
            else { return nil }
            return extent
        }
        return try replacingFirst(in: .fileTree, where: { item in extent(item).map { fits(item.key, $0) } ?? false }) {
            var (key, changed) = ($0.key, try #require(extent($0)))
            change(&key, &changed)
            return [LooseItem(key: key, data: changed.encoded)]
        }
    }
}

extension LooseItem {
    func decoded<Item: FixedSizeItem>() -> (Key, Item)? {
        let data = data
        return (try? Item(data.rawSpan)).map { (key, $0) }
    }

    func with(key: Key? = nil, data: [UInt8]? = nil) -> LooseItem {
        LooseItem(key: key ?? self.key, data: data ?? self.data)
    }
}
