// The memory of tree blocks. The only file of this module that says `unsafe`: every access below tests its
// bounds first, so no mistake above it can touch bytes outside a block.

package import BtrfsFormat

#if canImport(Glibc)
    internal import Glibc
#endif

/// A fixed run of bytes with one owner: what one tree block occupies.
///
/// A view from `bytes` shows the bytes as they are now and must not be kept across a change.
@safe
package final class BlockBuffer {
    private let base: UnsafeMutableRawPointer
    package let count: Int

    /// `count` zero bytes.
    package init(count: Int) {
        precondition(count > 0)
        unsafe base = .allocate(byteCount: count, alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        self.count = count
    }

    deinit { unsafe base.deallocate() }

    package var bytes: RawSpan {
        @inline(__always)
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The same for an `owner` that holds this buffer for as long as it lives.
    @inline(__always)
    @_lifetime(borrow owner)
    func bytes(heldBy owner: borrowing some AnyObject) -> RawSpan {
        let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
        return unsafe _overrideLifetime(span, borrowing: owner)
    }

    /// Gives `body` all bytes to change.
    @inline(__always)
    package func change<E: Error>(_ body: (inout MutableRawSpan) throws(E) -> Void) throws(E) {
        var span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: count)
        try body(&span)
    }

    @inline(__always)
    private func check(_ offset: Int, _ length: Int) {
        precondition(offset >= 0 && length >= 0 && length <= count && offset <= count - length)
    }

    @inline(__always)
    package func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
        check(offset, MemoryLayout<T>.size)
        return unsafe T(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    @inline(__always)
    package func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        check(offset, MemoryLayout<T>.size)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }

    @inline(__always)
    package func store(_ key: Key, at offset: Int) {
        store(key.objectID.rawValue, at: offset)
        store(key.type.rawValue, at: offset + 8)
        store(key.offset, at: offset + 9)
    }

    @inline(__always)
    package func key(at offset: Int) -> Key {
        Key(
            ObjectID(load(UInt64.self, at: offset)), KeyType(load(UInt8.self, at: offset + 8)),
            load(UInt64.self, at: offset + 9))
    }

    /// Moves bytes within the buffer; the ranges may overlap.
    package func move(from source: Int, to target: Int, count length: Int) {
        check(source, length)
        check(target, length)
        if length > 0 { unsafe _ = memmove(base + target, base + source, length) }
    }

    /// Copies bytes that do not lie in this buffer.
    package func copy(_ source: RawSpan, to target: Int) {
        check(target, source.byteCount)
        unsafe source.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { unsafe _ = memcpy(base + target, start, bytes.count) }
        }
    }

    package func copy(from other: BlockBuffer, at source: Int, to target: Int, count length: Int) {
        other.check(source, length)
        check(target, length)
        if length > 0 { unsafe _ = memcpy(base + target, other.base + source, length) }
    }

    package func clear(_ offset: Int, count length: Int) {
        check(offset, length)
        if length > 0 { unsafe _ = memset(base + offset, 0, length) }
    }
}

/// `span` as a view of memory that `owner` keeps alive.
@inline(__always)
@_lifetime(borrow owner)
package func held(_ span: RawSpan, by owner: borrowing some AnyObject) -> RawSpan {
    unsafe _overrideLifetime(span, borrowing: owner)
}
