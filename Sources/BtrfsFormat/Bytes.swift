#if canImport(Glibc)
    internal import Glibc
#endif

// Checked little-endian access to on-disk bytes. The only file of this module that says `unsafe`:
// every load and slice below tests its bounds first, so nothing above it can read outside a block.

extension RawSpan {
    /// The little-endian integer at `offset`.
    ///
    /// - Throws: `FormatError.outOfBounds` when the integer does not lie within the span.
    /// - Complexity: O(1); compiles to one comparison and one load.
    @inline(always) @inlinable
    public func load<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type, at offset: Int
    ) throws(FormatError) -> T {
        let size = MemoryLayout<T>.size
        guard offset >= 0, byteCount >= size, offset <= byteCount - size else {
            throw FormatError.outOfBounds(offset: offset, count: size, available: byteCount)
        }
        return unsafe T(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: T.self))
    }

    /// The byte at `offset`.
    ///
    /// - Throws: `FormatError.outOfBounds`.
    @inline(always) @inlinable
    public func u8(at offset: Int) throws(FormatError) -> UInt8 { try load(UInt8.self, at: offset) }
    /// The little-endian number of two bytes at `offset`.
    ///
    /// - Throws: `FormatError.outOfBounds`.
    @inline(always) @inlinable
    public func u16(at offset: Int) throws(FormatError) -> UInt16 { try load(UInt16.self, at: offset) }
    /// The little-endian number of four bytes at `offset`.
    ///
    /// - Throws: `FormatError.outOfBounds`.
    @inline(always) @inlinable
    public func u32(at offset: Int) throws(FormatError) -> UInt32 { try load(UInt32.self, at: offset) }
    /// The little-endian number of eight bytes at `offset`.
    ///
    /// - Throws: `FormatError.outOfBounds`.
    @inline(always) @inlinable
    public func u64(at offset: Int) throws(FormatError) -> UInt64 { try load(UInt64.self, at: offset) }

    /// The 16 bytes at `offset` as a UUID.
    @inline(always) @inlinable
    public func uuid(at offset: Int) throws(FormatError) -> UUID {
        UUID(low: try u64(at: offset), high: try u64(at: offset + 8))
    }

    /// The `count` bytes from `offset` on, in place.
    ///
    /// - Throws: `FormatError.outOfBounds` when they do not lie within the span.
    @inline(always) @inlinable
    @_lifetime(copy self)
    public func slice(at offset: Int, count: Int) throws(FormatError) -> RawSpan {
        guard offset >= 0, count >= 0, byteCount >= count, offset <= byteCount - count else {
            throw FormatError.outOfBounds(offset: offset, count: count, available: byteCount)
        }
        return unsafe extracting(unchecked: offset..<offset + count)
    }

    /// A copy of all bytes.
    public var copied: [UInt8] {
        unsafe withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Whether both spans hold the same bytes.
    public func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        if byteCount == 0 { return true }
        return unsafe withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { theirs in
                unsafe memcmp(mine.baseAddress.unsafelyUnwrapped, theirs.baseAddress.unsafelyUnwrapped, mine.count) == 0
            }
        }
    }
}

extension MutableRawSpan {
    /// Stores `value` in little-endian form. Writing outside the span is a programming error and traps:
    /// the offsets of a writer come from the program, never from a disk.
    @inline(always) @inlinable
    @_lifetime(self: copy self)
    public mutating func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }

    /// Copies `source` to `offset`.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func store(_ source: RawSpan, at offset: Int) {
        precondition(offset >= 0 && source.byteCount <= byteCount && offset <= byteCount - source.byteCount)
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { bytes in
                if bytes.count > 0 {
                    unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + bytes.count])
                        .copyMemory(from: bytes)
                }
            }
        }
    }

    /// Stores the 16 bytes of a UUID; the place must lie within the span.
    @_lifetime(self: copy self)
    public mutating func store(_ uuid: UUID, at offset: Int) {
        store(uuid.low, at: offset)
        store(uuid.high, at: offset + 8)
    }
}

extension Array where Element == UInt8 {
    /// An array of `count` zero bytes that `body` fills.
    public init<E: Error>(
        byteCount count: Int, _ body: (inout MutableRawSpan) throws(E) -> Void
    ) throws(E) {
        self.init(repeating: 0, count: count)
        var span = self.mutableSpan
        var raw = MutableRawSpan(_elements: &span)
        try body(&raw)
    }

    /// The bytes of this array as a raw span.
    public var rawSpan: RawSpan {
        @_lifetime(borrow self) get { RawSpan(_elements: self.span) }
    }
}
