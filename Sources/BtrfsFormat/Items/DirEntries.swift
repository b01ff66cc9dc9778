/// Entries of a directory or extended attributes of an inode, in place.
///
/// Keys: (directory, DIR_ITEM, `NameHash.name`) and (inode, XATTR_ITEM, `NameHash.name`), where names with
/// the same hash share an item; (directory, DIR_INDEX, index) with one entry. Each entry: location (key),
/// transid (u64), length of the value (u16), length of the name (u16), type (u8), name, value.
///
/// The location is (inode, INODE_ITEM, 0), or (tree, ROOT_ITEM, -1) for a subvolume, or zero for an
/// attribute.
///
/// The corresponding on-disk structure is `btrfs_dir_item`.
public struct DirEntries: ~Escapable {
    /// One entry, in the memory of the item.
    public struct Entry: ~Escapable {
        /// What the name stands for; zero for an extended attribute.
        public let location: Key
        /// The transaction in which the entry was made.
        public let transid: Generation
        /// The type of what the name stands for.
        public let type: DirEntryType
        /// The bytes of the name.
        public let name: RawSpan
        /// The value of an attribute; empty in a directory.
        public let data: RawSpan
        /// Where in the item the entry lies.
        public let byteRange: Range<Int>

        @usableFromInline @_lifetime(copy name, copy data)
        init(
            location: Key, transid: Generation, type: DirEntryType, name: RawSpan, data: RawSpan,
            byteRange: Range<Int>
        ) {
            self.location = location
            self.transid = transid
            self.type = type
            self.name = name
            self.data = data
            self.byteRange = byteRange
        }
    }

    /// The size of an entry without name and value.
    @inlinable public static var headerByteCount: Int { Fields.type.end }

    @usableFromInline enum Fields {
        @inlinable static var location: Field<Key> { Field("location", at: 0) }
        @inlinable static var transid: Field<Generation> { Field("transid", at: 17) }
        @inlinable static var dataLength: Field<UInt16> { Field("data_len", at: 25) }
        @inlinable static var nameLength: Field<UInt16> { Field("name_len", at: 27) }
        @inlinable static var type: Field<DirEntryType> { Field("type", at: 29) }
    }
    /// The fields of an entry in front of its name.
    public static let layout = Layout(
        "dir_item", byteCount: headerByteCount,
        [Fields.location, Fields.transid, Fields.dataLength, Fields.nameLength, Fields.type])

    @usableFromInline let bytes: RawSpan
    @usableFromInline var position = 0

    /// The entries of an item, from the first one on.
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
        let location = try Fields.location.read(bytes, at: start)
        let transid = try Fields.transid.read(bytes, at: start)
        let type = try Fields.type.read(bytes, at: start)
        let nameLength = Int(try Fields.nameLength.read(bytes, at: start))
        let dataLength = Int(try Fields.dataLength.read(bytes, at: start))
        let nameOffset = start + Self.headerByteCount
        let name = try bytes.slice(at: nameOffset, count: nameLength)
        let data = try bytes.slice(at: nameOffset + nameLength, count: dataLength)
        position = nameOffset + nameLength + dataLength
        return Entry(
            location: location, transid: transid, type: type, name: name, data: data,
            byteRange: start..<position)
    }

    /// The bytes of one entry. Name and value have at most 65535 bytes, on a valid volume the name 255.
    public static func entry(
        location: Key, transid: Generation, type: DirEntryType, name: RawSpan, data: RawSpan = RawSpan()
    ) -> [UInt8] {
        let nameEnd = headerByteCount + name.byteCount
        return [UInt8](byteCount: nameEnd + data.byteCount) { (target: inout MutableRawSpan) in
            Fields.location.write(location, to: &target)
            Fields.transid.write(transid, to: &target)
            Fields.dataLength.write(UInt16(data.byteCount), to: &target)
            Fields.nameLength.write(UInt16(name.byteCount), to: &target)
            Fields.type.write(type, to: &target)
            target.store(name, at: headerByteCount)
            target.store(data, at: nameEnd)
        }
    }
}
