internal import BtrfsFormat
internal import BtrfsVolume

// The process functions that deal with blocks as such. The corresponding kernel function is
// `process_one_buffer`, which does what the flags of the walk control say.

/// `pin`: keeps every block of the log from being allocated.
public struct PinBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        if control.pin { try control.target?.pin(block) }
    }
}

/// `write`: starts to write every block; waits for it as well where the control says so.
public struct WriteBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        if control.write { try control.target?.write(block) }
        if control.wait { try control.target?.wait(block) }
    }
}

/// `wait`: waits until every block is written.
public struct AwaitBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        if control.wait { try control.target?.wait(block) }
    }
}

/// `free`: does nothing by itself; the walk frees each block after it, as the control's flag says.
public struct FreeBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {}
}

/// `replay`: gives the items of each leaf to the handlers of their types.
///
/// The corresponding kernel function is `replay_one_buffer`.
public struct ReplayBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        guard block.level == 0, let session = control.session else { return }
        try session.replay(block, in: control.stage)
        // No stage comes after this one. What is replayed takes as much memory as its leaf gives back.
        if control.stage == .everything { block.release() }
    }
}

/// `verify`: reads every block, which checks all of it: checksum, place, structure and each item's content.
public struct VerifyBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        do throws(LogError) {
            _ = try block.load()
        } catch {
            guard let handler = control.damageHandler else { throw error }
            try handler.handleDamage(of: block, error)
        }
    }
}

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
