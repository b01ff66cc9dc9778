/// The names of an inode in one directory, in place.
///
/// Key: (inode, INODE_REF, directory). Each entry: index in the directory (u64), length (u16), name.
///
/// The corresponding on-disk structure is `btrfs_inode_ref`.
public struct InodeRefs: ~Escapable {
    /// One name, in the memory of the item.
    public struct Entry: ~Escapable {
        /// The number of the name in the directory: the offset of its DIR_INDEX key.
        public let index: UInt64
        /// The bytes of the name.
        public let name: RawSpan
        /// Where in the item the entry lies.
        public let byteRange: Range<Int>

        @usableFromInline @_lifetime(copy name)
        init(index: UInt64, name: RawSpan, byteRange: Range<Int>) {
            self.index = index
            self.name = name
            self.byteRange = byteRange
        }
    }

    /// The size of an entry without its name.
    @inlinable public static var headerByteCount: Int { Fields.nameLength.end }

    @usableFromInline enum Fields {
        @inlinable static var index: Field<UInt64> { Field("index", at: 0) }
        @inlinable static var nameLength: Field<UInt16> { Field("name_len", at: 8) }
    }
    /// The fields of an entry in front of its name.
    public static let layout = Layout(
        "inode_ref", byteCount: headerByteCount, [Fields.index, Fields.nameLength])

    @usableFromInline let bytes: RawSpan
    @usableFromInline var position = 0

    /// The names of an item, from the first one on.
    @inlinable @_lifetime(copy item)
    public init(_ item: RawSpan) { bytes = item }

    /// The next entry; nil at the end of the item.
    ///
    /// - Throws: `FormatError.outOfBounds` when an entry does not lie within the item. The cursor then stays
    ///   where it is.
    @inlinable @_lifetime(copy self)
    public mutating func next() throws(FormatError) -> Entry? {
        if position >= bytes.byteCount { return nil }
        let start = position
        let index = try Fields.index.read(bytes, at: start)
        let length = Int(try Fields.nameLength.read(bytes, at: start))
        let name = try bytes.slice(at: start + Self.headerByteCount, count: length)
        position = start + Self.headerByteCount + length
        return Entry(index: index, name: name, byteRange: start..<position)
    }

    /// The bytes of one entry. The name has at most 65535 bytes, on a valid volume 255.
    public static func entry(index: UInt64, name: RawSpan) -> [UInt8] {
        [UInt8](byteCount: headerByteCount + name.byteCount) { (target: inout MutableRawSpan) in
            Fields.index.write(index, to: &target)
            Fields.nameLength.write(UInt16(name.byteCount), to: &target)
            target.store(name, at: headerByteCount)
        }
    }
}

/// The names of an inode that found no place in its INODE_REF items, in place.
///
/// Key: (inode, INODE_EXTREF, `NameHash.extref`). Each entry: directory (u64), index (u64), length (u16),
/// name.
///
/// The corresponding on-disk structure is `btrfs_inode_extref`.
public struct InodeExtrefs: ~Escapable {
    /// One name, in the memory of the item.
    public struct Entry: ~Escapable {
        /// The directory that has the name.
        public let parent: ObjectID
        /// The number of the name in the directory: the offset of its DIR_INDEX key.
        public let index: UInt64
        /// The bytes of the name.
        public let name: RawSpan
        /// Where in the item the entry lies.
        public let byteRange: Range<Int>

        @usableFromInline @_lifetime(copy name)
        init(parent: ObjectID, index: UInt64, name: RawSpan, byteRange: Range<Int>) {
            self.parent = parent
            self.index = index
            self.name = name
            self.byteRange = byteRange
        }
    }

    /// The size of an entry without its name.
    @inlinable public static var headerByteCount: Int { Fields.nameLength.end }

    @usableFromInline enum Fields {
        @inlinable static var parent: Field<ObjectID> { Field("parent", at: 0) }
        @inlinable static var index: Field<UInt64> { Field("index", at: 8) }
        @inlinable static var nameLength: Field<UInt16> { Field("name_len", at: 16) }
    }
    /// The fields of an entry in front of its name.
    public static let layout = Layout(
        "inode_extref", byteCount: headerByteCount, [Fields.parent, Fields.index, Fields.nameLength])

    @usableFromInline let bytes: RawSpan
    @usableFromInline var position = 0

    /// The names of an item, from the first one on.
    @inlinable @_lifetime(copy item)
    public init(_ item: RawSpan) { bytes = item }

    /// The next entry; nil at the end of the item.
    ///
    /// - Throws: `FormatError.outOfBounds` when an entry does not lie within the item. The cursor then stays
    ///   where it is.
    @inlinable @_lifetime(copy self)
    public mutating func next() throws(FormatError) -> Entry? {
        if position >= bytes.byteCount { return nil }
        let start = position
        let parent = try Fields.parent.read(bytes, at: start)
        let index = try Fields.index.read(bytes, at: start)
        let length = Int(try Fields.nameLength.read(bytes, at: start))
        let name = try bytes.slice(at: start + Self.headerByteCount, count: length)
        position = start + Self.headerByteCount + length
        return Entry(parent: parent, index: index, name: name, byteRange: start..<position)
    }

    /// The bytes of one entry. The name has at most 65535 bytes, on a valid volume 255.
    public static func entry(parent: ObjectID, index: UInt64, name: RawSpan) -> [UInt8] {
        [UInt8](byteCount: headerByteCount + name.byteCount) { (target: inout MutableRawSpan) in
            Fields.parent.write(parent, to: &target)
            Fields.index.write(index, to: &target)
            Fields.nameLength.write(UInt16(name.byteCount), to: &target)
            target.store(name, at: headerByteCount)
        }
    }
}
