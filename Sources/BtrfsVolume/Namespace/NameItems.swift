internal import BtrfsFormat

// Searching the items that hold names. All of it works on the bytes of the item in place.

/// Runs `body`, and gives what it throws the key of the item it reads.
@inline(__always)
func parsing<T>(_ key: Key, _ body: () throws(FormatError) -> T) throws(VolumeError) -> T {
    do throws(FormatError) {
        return try body()
    } catch {
        throw .format(error.at(key: key))
    }
}

extension Tree {
    /// Adds an item; false where there is one with the key, and nothing changed.
    func insertIfAbsent(_ key: Key, _ data: RawSpan) throws(VolumeError) -> Bool {
        do throws(VolumeError) {
            try insert(key, data)
            return true
        } catch {
            if case .keyExists = error { return false }
            throw error
        }
    }
}

/// An entry of a DIR_ITEM, DIR_INDEX or XATTR_ITEM, and the bytes it takes there.
struct FoundEntry {
    var target: EntryTarget
    var range: Range<Int>
    /// The size of the value of an extended attribute, which ends the range.
    var valueByteCount: Int

    func value(in item: RawSpan) throws(FormatError) -> [UInt8] {
        try item.slice(at: range.upperBound - valueByteCount, count: valueByteCount).copied
    }
}

extension DirEntries {
    static func find(_ name: RawSpan, in item: RawSpan) throws(FormatError) -> FoundEntry? {
        var entries = DirEntries(item)
        while let entry = try entries.next() {
            guard entry.name.hasSameBytes(as: name) else { continue }
            return FoundEntry(
                target: EntryTarget(location: entry.location, type: entry.type, transid: entry.transid),
                range: entry.byteRange, valueByteCount: entry.data.byteCount)
        }
        return nil
    }
}

extension DirectoryEntry {
    /// The first entry of a DIR_INDEX item, which has just one.
    init?(index: UInt64, _ item: RawSpan) throws(FormatError) {
        var entries = DirEntries(item)
        guard let entry = try entries.next() else { return nil }
        self.init(
            index: index,
            target: EntryTarget(location: entry.location, type: entry.type, transid: entry.transid),
            name: entry.name.copied)
    }
}

/// A back reference and the bytes it takes in its item.
struct FoundReference {
    var index: UInt64
    var range: Range<Int>
}

extension InodeRefs {
    static func find(_ name: RawSpan, in item: RawSpan) throws(FormatError) -> FoundReference? {
        var references = InodeRefs(item)
        while let reference = try references.next() {
            if reference.name.hasSameBytes(as: name) {
                return FoundReference(index: reference.index, range: reference.byteRange)
            }
        }
        return nil
    }
}

extension InodeExtrefs {
    static func find(
        _ name: RawSpan, parent: ObjectID, in item: RawSpan
    ) throws(FormatError) -> FoundReference? {
        var references = InodeExtrefs(item)
        while let reference = try references.next() {
            if reference.parent == parent, reference.name.hasSameBytes(as: name) {
                return FoundReference(index: reference.index, range: reference.byteRange)
            }
        }
        return nil
    }
}

extension InodeName {
    /// Appends all names of an INODE_REF or INODE_EXTREF item.
    static func append(to names: inout [InodeName], from item: RawSpan, at key: Key) throws(FormatError) {
        if key.type == .inodeRef {
            var references = InodeRefs(item)
            while let reference = try references.next() {
                names.append(
                    InodeName(
                        directory: ObjectID(key.offset), index: reference.index, name: reference.name.copied))
            }
        } else if key.type == .inodeExtref {
            var references = InodeExtrefs(item)
            while let reference = try references.next() {
                names.append(
                    InodeName(
                        directory: reference.parent, index: reference.index, name: reference.name.copied))
            }
        }
    }
}
