/// The name of a subvolume and the directory that holds it.
///
/// Keys: (parent tree, ROOT_REF, child tree) and (child tree, ROOT_BACKREF, parent tree), with the same
/// content.
///
/// The corresponding on-disk structure is `btrfs_root_ref`.
public struct RootRef: Equatable, Sendable {
    /// The directory in the parent tree.
    public var directoryID: ObjectID
    /// The index of the entry in that directory.
    public var sequence: UInt64
    /// 1 to 255 bytes.
    public var name: [UInt8]

    /// The size without the name.
    public static var byteCount: Int { Fields.nameLength.end }

    enum Fields {
        static var directoryID: Field<ObjectID> { Field("dirid", at: 0) }
        static var sequence: Field<UInt64> { Field("sequence", at: 8) }
        static var nameLength: Field<UInt16> { Field("name_len", at: 16) }
    }
    public static let layout = Layout(
        "root_ref", byteCount: byteCount, [Fields.directoryID, Fields.sequence, Fields.nameLength])

    /// - Throws: `FormatError.outOfBounds` when header or name does not lie within the item.
    public init(_ bytes: RawSpan) throws(FormatError) {
        directoryID = try Fields.directoryID.read(bytes)
        sequence = try Fields.sequence.read(bytes)
        name = try bytes.slice(at: Self.byteCount, count: Int(Fields.nameLength.read(bytes))).copied
    }

    /// The name of a subvolume in its parent.
    public init(directoryID: ObjectID, sequence: UInt64, name: [UInt8]) {
        precondition(name.count <= UInt16.max, "a name has at most 65535 bytes")
        self.directoryID = directoryID
        self.sequence = sequence
        self.name = name
    }

    public var encoded: [UInt8] {
        [UInt8](byteCount: Self.byteCount + name.count) { (target: inout MutableRawSpan) in
            Fields.directoryID.write(directoryID, to: &target)
            Fields.sequence.write(sequence, to: &target)
            Fields.nameLength.write(UInt16(name.count), to: &target)
            target.store(name.rawSpan, at: Self.byteCount)
        }
    }
}
