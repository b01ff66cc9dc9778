/// A structure with a fixed size that is decoded as a whole into a plain value.
public protocol FixedSizeItem: Equatable, Sendable {
    /// The size on disk in bytes.
    static var byteCount: Int { get }
    /// All fields, in the order of the disk.
    static var layout: Layout { get }
    /// Decodes the structure at the start of `bytes`; what follows it is ignored.
    ///
    /// - Throws: `FormatError.outOfBounds` when `bytes` is too short.
    init(_ bytes: RawSpan) throws(FormatError)
    /// Stores the structure at `position`; it must lie within `target`.
    func store(in target: inout MutableRawSpan, at position: Int)
}

extension FixedSizeItem {
    /// The bytes of the structure on disk.
    public var encoded: [UInt8] {
        [UInt8](byteCount: Self.byteCount) { (target: inout MutableRawSpan) in store(in: &target, at: 0) }
    }
}
