internal import BtrfsFormat
internal import BtrfsVolume

/// Pins log blocks in the transaction of a replay.
///
/// On a volume with mixed block groups the data extents that the log names are kept from being allocated too,
/// including those of inodes that are not replayed: tree blocks could come to lie there before they are known.
final class TransactionTarget: LogBlockTarget {
    private let transaction: Transaction
    private let hasMixedGroups: Bool

    init(_ transaction: Transaction, hasMixedGroups: Bool) {
        self.transaction = transaction
        self.hasMixedGroups = hasMixedGroups
    }

    func pin(_ block: LogBlock) throws(LogError) {
        do { try transaction.pin(block: block.address) } catch { throw LogError(.volume(error), at: block.place) }
        guard hasMixedGroups, block.level == 0, block.log.subvolume != nil else { return }
        let bytes: RawSpan
        do throws(LogError) { bytes = try block.read() } catch {
            // The same error comes again in the stage that needs the items, with whoever decides about it.
            return
        }
        let damaged = Set(try block.damagedItems.map(\.slot))
        do { try excludeExtents(of: LeafView(bytes), but: damaged) } catch {
            throw LogError(from: error, at: block.place)
        }
    }

    private func excludeExtents(of leaf: borrowing LeafView, but damaged: Set<Int>) throws {
        for slot in 0..<(try leaf.count) where try leaf.key(at: slot).type == .extentData {
            if damaged.contains(slot) { continue }
            let extent = try FileExtent(try leaf.data(at: slot))
            if !extent.isInline, !extent.isHole {
                try transaction.exclude(extent.diskAddress, count: extent.diskByteCount)
            }
        }
    }
}
