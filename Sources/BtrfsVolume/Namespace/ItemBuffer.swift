internal import BtrfsFormat

/// Bytes of an item in the making. Its memory is used again and again, so that a change allocates nothing.
final class ItemBuffer {
    private let memory: BlockBuffer
    private(set) var count = 0

    init(capacity: Int) { memory = BlockBuffer(count: capacity) }

    /// The bytes put together so far; valid until the next change of the buffer.
    var bytes: RawSpan {
        @_lifetime(borrow self) get {
            let memory = memory
            return held(memory.bytes.extracting(0..<count), by: self)
        }
    }

    func removeAll() { count = 0 }

    func append(_ bytes: RawSpan) {
        memory.copy(bytes, to: count)
        count += bytes.byteCount
    }

    func append<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        memory.store(value, at: count)
        count += MemoryLayout<T>.size
    }

    func append(_ key: Key) {
        memory.store(key, at: count)
        count += Key.byteCount
    }

    // MARK: Items

    /// An entry of a DIR_ITEM or DIR_INDEX, or with a value of an XATTR_ITEM.
    func appendEntry(
        _ name: RawSpan, location: Key, transid: Generation, type: DirEntryType, value: RawSpan = RawSpan()
    ) {
        append(location)
        append(transid)
        append(UInt16(truncatingIfNeeded: value.byteCount))
        append(UInt16(name.byteCount))
        append(type.rawValue)
        append(name)
        append(value)
    }

    /// An entry of an INODE_REF.
    func appendReference(index: UInt64, name: RawSpan) {
        append(index)
        append(UInt16(name.byteCount))
        append(name)
    }

    /// An entry of an INODE_EXTREF.
    func appendExtendedReference(parent: ObjectID, index: UInt64, name: RawSpan) {
        append(parent.rawValue)
        append(index)
        append(UInt16(name.byteCount))
        append(name)
    }

    func append(_ inode: InodeItem) {
        let at = count
        memory.change { (span: inout MutableRawSpan) in inode.store(in: &span, at: at) }
        count += InodeItem.byteCount
    }

    func append(_ extent: FileExtent) {
        let at = count
        memory.change { (span: inout MutableRawSpan) in extent.store(in: &span, at: at) }
        count += FileExtent.byteCount
    }
}
