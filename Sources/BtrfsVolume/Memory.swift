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
    private let pool: BlockPool?
    // Kept only so that the reading is not taken for needless.
    private var sumOfLines: UInt8 = 0

    /// `count` zero bytes.
    package init(count: Int) {
        precondition(count > 0)
        unsafe base = .allocate(byteCount: count, alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        self.count = count
        pool = nil
    }

    /// A block of a pool, with whatever was in it before.
    init(from pool: BlockPool) {
        unsafe base = pool.take()
        count = pool.blockSize
        self.pool = pool
    }

    /// A copy of the bytes of another buffer from `start` to `end`.
    init(copyOf other: BlockBuffer, from start: Int, to end: Int) {
        count = end - start
        other.check(start, count)
        unsafe base = .allocate(byteCount: max(count, 1), alignment: 64)
        unsafe base.copyMemory(from: other.base + start, byteCount: count)
        pool = nil
    }

    deinit {
        if let pool { unsafe pool.give(base) } else { unsafe base.deallocate() }
    }

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

    /// Reads the first byte of every cache line, in ascending order, which processors foresee. Whoever is going to read
    /// here and there in a block that is not in the cache any more has it all there in a fraction of the time.
    package func bringIntoCache() {
        var sum: UInt8 = 0
        for line in stride(from: 0, to: count, by: 64) { sum &+= load(UInt8.self, at: line) }
        sumOfLines = sum
    }

    /// Adds `delta` to `number` values of 32 bits, of which each begins `step` bytes behind the one before; sums wrap
    /// around.
    @inline(__always)
    func add(_ delta: UInt32, at offset: Int, step: Int, number: Int) {
        guard number > 0 else { return }
        precondition(step > 0 && number <= count)
        check(offset, (number - 1) * step + MemoryLayout<UInt32>.size)
        unsafe Self.add(delta, from: base + offset, step, number)
    }

    private static func add(_ delta: UInt32, from first: UnsafeMutableRawPointer, _ step: Int, _ number: Int) {
        var place = unsafe first
        for _ in 0..<number {
            let sum = unsafe UInt32(littleEndian: place.loadUnaligned(as: UInt32.self)) &+ delta
            unsafe place.storeBytes(of: sum.littleEndian, as: UInt32.self)
            unsafe place += step
        }
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

/// The memory of the blocks of one volume, in large pieces: asking the system for each block by itself costs more
/// than all that is done with the block. What blocks give back is used again; the rest goes with the volume.
@safe
final class BlockPool {
    let blockSize: Int
    private var slabs: [UnsafeMutableRawPointer] = unsafe []
    private var free: [UnsafeMutableRawPointer] = unsafe []
    /// The size of a huge page on common machines.
    private static var slabSize: Int { 2 << 20 }

    init(blockSize: Int) {
        precondition(blockSize > 0 && blockSize <= Self.slabSize)
        self.blockSize = blockSize
    }

    deinit { for unsafe slab in unsafe slabs { unsafe slab.deallocate() } }

    func take() -> UnsafeMutableRawPointer {
        if let block = unsafe free.popLast() { return unsafe block }
        let slab = UnsafeMutableRawPointer.allocate(byteCount: Self.slabSize, alignment: Self.slabSize)
        #if canImport(Glibc)
            // Only a hint: without huge pages all works the same.
            _ = unsafe madvise(slab, Self.slabSize, MADV_HUGEPAGE)
        #endif
        unsafe slabs.append(slab)
        for offset in stride(from: Self.slabSize / blockSize * blockSize, to: 0, by: -blockSize) {
            unsafe free.append(slab + (offset - blockSize))
        }
        guard let block = unsafe free.popLast() else { preconditionFailure("a slab holds at least one block") }
        return unsafe block
    }

    func give(_ block: UnsafeMutableRawPointer) { unsafe free.append(block) }
}

/// `span` as a view of memory that `owner` keeps alive.
@inline(__always)
@_lifetime(borrow owner)
package func held(_ span: RawSpan, by owner: borrowing some AnyObject) -> RawSpan {
    unsafe _overrideLifetime(span, borrowing: owner)
}

/// A row of optional references with a fixed capacity.
///
/// What an array of them would be, but reading an element costs one load and no exclusivity check: a descent
/// through a tree does it on every level.
@safe
final class ReferenceTable<Element: AnyObject> {
    /// The first `count` are initialized.
    private let base: UnsafeMutablePointer<Element?>
    private let capacity: Int
    private(set) var count: Int

    /// `count` empty places, with room for `capacity`.
    init(count: Int, capacity: Int) {
        precondition(count >= 0 && count <= capacity)
        unsafe base = .allocate(capacity: max(capacity, 1))
        unsafe base.initialize(repeating: nil, count: count)
        self.capacity = capacity
        self.count = count
    }

    deinit {
        // The end of a generic class is not specialised: `deinitialize` would ask the type what to do, each time.
        unsafe UnsafeMutableRawPointer(base).withMemoryRebound(to: UnsafeRawPointer?.self, capacity: count) { places in
            for index in 0..<count {
                if let element = unsafe places[index] { unsafe Unmanaged<AnyObject>.fromOpaque(element).release() }
            }
        }
        unsafe base.deallocate()
    }

    @inline(__always)
    subscript(index: Int) -> Element? {
        get {
            precondition(index >= 0 && index < count)
            return unsafe base[index]
        }
        set {
            precondition(index >= 0 && index < count)
            // What is there already need not be counted once more.
            if unsafe base[index] !== newValue { unsafe base[index] = newValue }
        }
    }

    func insert(_ element: Element?, at index: Int) {
        precondition(count < capacity && index >= 0 && index <= count)
        unsafe (base + index + 1).moveInitialize(from: base + index, count: count - index)
        unsafe (base + index).initialize(to: element)
        count += 1
    }

    func remove(at index: Int) {
        precondition(index >= 0 && index < count)
        unsafe (base + index).deinitialize(count: 1)
        unsafe (base + index).moveInitialize(from: base + index + 1, count: count - index - 1)
        count -= 1
    }

    /// Moves the elements from `index` on to the end of `target`.
    func move(from index: Int, toEndOf target: ReferenceTable) {
        let moved = count - index
        precondition(index >= 0 && moved >= 0 && target.count + moved <= target.capacity)
        unsafe (target.base + target.count).moveInitialize(from: base + index, count: moved)
        target.count += moved
        count = index
    }

    /// Takes over all elements of `other`, in whose places there are none then; there were none here.
    func take(from other: ReferenceTable) {
        precondition(count == 0 && other.count <= capacity)
        unsafe base.moveInitialize(from: other.base, count: other.count)
        unsafe other.base.initialize(repeating: nil, count: other.count)
        count = other.count
    }

    /// Has the elements of `other` here too; there were none here.
    func copy(from other: ReferenceTable) {
        precondition(count == 0 && other.count <= capacity)
        unsafe base.initialize(from: other.base, count: other.count)
        count = other.count
    }
}
