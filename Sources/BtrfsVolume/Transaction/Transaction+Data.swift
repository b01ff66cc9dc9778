public import BtrfsFormat

// Data extents and their checksums.

/// What is at a range of addresses, as far as allocation is concerned.
public enum ExtentState: Equatable, Sendable {
    /// An extent with just this start and length, committed or new in the transaction.
    case allocated
    /// Nothing is allocated there.
    case free
    /// Something else is allocated there; says what.
    case overlaps(String)
    /// No block group, or none of data, covers the range.
    case noBlockGroup
}

extension Transaction {
    /// What is at a range of addresses, after all changes of this transaction.
    ///
    /// - Complexity: O(log *n*).
    public func extentState(at start: LogicalAddress, count: UInt64) throws(VolumeError) -> ExtentState {
        let (end, overflow) = start.rawValue.addingReportingOverflow(count)
        guard !overflow, count > 0 else { return .noBlockGroup }
        if let size = extents.sizeOfNewData(at: start) {
            return size == count ? .allocated : .overlaps("a new extent of \(size) bytes at \(start)")
        }
        let range = start.rawValue..<end
        let found = try extents.overlap(range)
        if found == Key(ObjectID(start.rawValue), .extentItem, count) {
            return try isDataExtent(start, count: count, in: try extentTree())
                ? .allocated : .overlaps("a tree block at \(start)")
        }
        guard let group = try blockGroupStart(of: range), blockGroups[group]?.flags.contains(.data) == true else {
            return .noBlockGroup
        }
        return found.map { .overlaps("\($0)") } ?? .free
    }

    private func isDataExtent(
        _ start: LogicalAddress, count: UInt64, in tree: Tree
    ) throws(VolumeError) -> Bool {
        let key = Key(ObjectID(start.rawValue), .extentItem, count)
        guard let data = try tree.find(key) else { return false }
        do { return try ExtentItem(data).isData } catch { throw .format(error.at(key: key)) }
    }

    /// Makes a free range an extent with one reference.
    ///
    /// The caller has seen by `extentState` that the range is free. That no other new extent overlaps it is found
    /// out at the commit, before anything is written.
    public func allocateDataExtent(
        at start: LogicalAddress, count: UInt64, reference: DataReference
    ) throws(VolumeError) {
        extents.queueNewData(start, size: count, reference.inlineRef)
    }

    /// Counts one more use of an extent.
    public func addReference(
        _ reference: DataReference, to start: LogicalAddress, count: UInt64
    ) throws(VolumeError) {
        extents.queueData(start, size: count, reference.inlineRef, delta: 1)
    }

    /// Counts one use of an extent less; the last one frees the extent and deletes its checksums, at the commit.
    public func dropReference(
        _ reference: DataReference, from start: LogicalAddress, count: UInt64
    ) throws(VolumeError) {
        extents.queueData(start, size: count, reference.inlineRef, delta: -1)
    }

    /// Removes the checksums of a range of addresses, as far as there are any.
    public func deleteChecksums(_ start: LogicalAddress, count: UInt64) throws(VolumeError) {
        let (end, overflow) = start.rawValue.addingReportingOverflow(count)
        guard !overflow else { throw .refused("\(count) bytes at \(start) end beyond the address space") }
        try checksumTree()?.delete(start.rawValue..<end)
    }

    /// Stores the checksums of the sectors from `start` on, in place of any that are there.
    ///
    /// - Parameter sums: one after the other, each of the size of the volume's checksum type.
    public func insertChecksums(_ start: LogicalAddress, _ sums: RawSpan) throws(VolumeError) {
        guard let tree = try checksumTree() else {
            throw .damaged("the volume has no checksum tree; run btrfs check")
        }
        try tree.insert(start.rawValue, sums)
    }

    /// Writes file data to all copies of a range of addresses. It is durable after the next flush of the devices.
    public func writeData(_ bytes: RawSpan, at start: LogicalAddress) throws(VolumeError) {
        try volume.write(bytes, to: start)
    }
}
