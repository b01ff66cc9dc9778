public import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
public import TestSupport

public typealias SeededRandom = SeededGenerator

/// One hostile volume: an image of the corpus and a number from which all changes follow.
public struct HostileCase: CustomStringConvertible {
    public let image: HostileImage
    public let seed: UInt64

    public init(_ image: HostileImage, seed: UInt64) {
        self.image = image
        self.seed = seed
    }

    public var description: String { "\(image.name) \(seed)" }

    /// What was changed.
    public enum Target: String, Sendable, CaseIterable {
        case logBlock, logItems, committedBlock, superblock, several

        /// Whether all that was committed is as Linux left it.
        public var sparesCommitted: Bool { self == .logBlock || self == .logItems }
    }

    /// The changed volume.
    public func make() throws -> (devices: [MemoryDevice], target: Target, generator: SeededRandom) {
        var generator = SeededRandom(seed: seed)
        // Neighbouring seeds give neighbouring first numbers otherwise.
        for _ in 0..<3 { _ = generator.next() }
        let devices = image.devices.map { $0.copy() }
        let target: Target
        switch Int.random(in: 0..<20, using: &generator) {
        case 0...5: target = .logBlock
        case 6...12: target = .logItems
        case 13...16: target = .committedBlock
        case 17...18: target = .superblock
        default: target = .several
        }
        switch target {
        case .several:
            for part in [Target.logBlock, .committedBlock, .superblock] where Bool.random(using: &generator) {
                try change(part, devices, &generator)
            }
        default: try change(target, devices, &generator)
        }
        return (devices, target, generator)
    }

    private func change(_ target: Target, _ devices: [MemoryDevice], _ generator: inout SeededRandom) throws {
        switch target {
        case .logBlock: try changeBlock(of: image.logBlocks, devices, &generator)
        case .logItems: try rewriteLog(devices, &generator)
        case .committedBlock:
            guard let tree = image.committed.randomElement(using: &generator) else { return }
            try changeBlock(of: tree, devices, &generator)
        case .superblock: try SuperblockMutation(values: image.values).apply(to: devices, &generator)
        case .several: return
        }
    }

    private func changeBlock(
        of blocks: [UsedSpace.Block], _ devices: [MemoryDevice], _ generator: inout SeededRandom
    ) throws {
        guard let block = blocks.randomElement(using: &generator) else { return }
        var bytes = try image.bytes(of: block)
        let generation = bytes.integer(at: BlockHeader.generationOffset, width: 8)
        let mutation = BlockMutation(values: image.values, generation: generation)
        for _ in 0..<([1, 1, 1, 2, 3].randomElement(using: &generator) ?? 1) { mutation.apply(to: &bytes, &generator) }
        try image.write(bytes, at: block.address, to: devices)
    }

    /// Replaces the log by one of changed items in any number of leaves.
    private func rewriteLog(_ devices: [MemoryDevice], _ generator: inout SeededRandom) throws {
        var builder = try LogBuilder(devices, startingWith: .presentLog)
        let mutation = ItemMutation(
            values: image.values, generation: builder.generation,
            maximumByteCount: image.nodeSize - BlockHeader.byteCount - LeafView.itemHeaderByteCount)
        let count = [1, 2, 4, 16].randomElement(using: &generator) ?? 1
        for id in builder.items.keys.sorted() {
            var items = (builder.items[id] ?? []).map { LooseItem(key: $0.key, data: $0.data) }
            for _ in 0..<count { mutation.apply(to: &items, &generator) }
            builder.items[id] = BlockMutation.sorted(items).map { LogBuilder.Item($0.key, $0.data) }
        }
        if Int.random(in: 0..<8, using: &generator) == 0, let id = builder.items.keys.sorted().first {
            let other = ObjectID(image.values.value(insteadOf: id.rawValue, &generator))
            builder.items[other] = builder.items[id]
        }
        try builder.write()
    }
}
