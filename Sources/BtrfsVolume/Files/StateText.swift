internal import BtrfsFormat

/// Puts the text of a state document together and hands it on in large pieces.
struct StateText<Sink: ByteSink> {
    private(set) var sink: Sink
    private var pending: [UInt8] = []
    private static var pieceByteCount: Int { 1 << 16 }

    init(_ sink: Sink) { self.sink = sink }

    mutating func flush() throws(VolumeError) {
        try sink.write(pending)
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func flushIfLarge() throws(VolumeError) {
        if pending.count >= Self.pieceByteCount { try flush() }
    }

    mutating func append(_ text: StaticString) throws(VolumeError) {
        append(ascii: "\(text)")
        try flushIfLarge()
    }

    private mutating func append(ascii text: String) { pending.append(contentsOf: text.utf8) }

    mutating func append(_ number: some FixedWidthInteger) throws(VolumeError) {
        append(ascii: String(number))
        try flushIfLarge()
    }

    mutating func append(_ flag: Bool) throws(VolumeError) { append(ascii: flag ? "true" : "false") }

    /// A string of ASCII in quotes. The corpus has nothing to escape but these two.
    mutating func append(quoted text: [UInt8]) throws(VolumeError) {
        pending.append(UInt8(ascii: "\""))
        for byte in text {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { pending.append(UInt8(ascii: "\\")) }
            pending.append(byte)
        }
        pending.append(UInt8(ascii: "\""))
        try flushIfLarge()
    }

    mutating func append(quoted text: String) throws(VolumeError) { try append(quoted: Array(text.utf8)) }

    /// Bytes as lower-case hexadecimal digits in quotes.
    mutating func append(hex bytes: [UInt8]) throws(VolumeError) {
        let digits = Array("0123456789abcdef".utf8)
        pending.append(UInt8(ascii: "\""))
        for byte in bytes {
            pending.append(digits[Int(byte >> 4)])
            pending.append(digits[Int(byte & 15)])
        }
        pending.append(UInt8(ascii: "\""))
        try flushIfLarge()
    }
}

/// A priority queue of paths with something attached: `popFirst` gives the one whose bytes are lowest.
struct PathQueue<Element> {
    private var heap: [(path: [UInt8], element: Element)] = []

    mutating func insert(_ path: [UInt8], _ element: Element) {
        heap.append((path, element))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].path.lexicographicallyPrecedes(heap[parent].path) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popFirst() -> (path: [UInt8], element: Element)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].path.lexicographicallyPrecedes(heap[least].path) { least = child }
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
