/// The bytes of a structure that is kept as it is on disk, so that what this program does not know survives a
/// rewrite.
struct FieldRecord: Equatable, Sendable {
    private(set) var bytes: [UInt8]

    /// The first `byteCount` of `source`, filled with zeros when there are fewer.
    init(_ source: RawSpan, byteCount: Int) {
        bytes = [UInt8](repeating: 0, count: byteCount)
        withBytes { (target: inout MutableRawSpan) in
            target.store(source.extracting(first: min(byteCount, source.byteCount)), at: 0)
        }
    }

    init(zeros byteCount: Int) { bytes = [UInt8](repeating: 0, count: byteCount) }

    subscript<Value>(_ field: Field<Value>) -> Value {
        get { self[field, at: 0] }
        set { self[field, at: 0] = newValue }
    }

    /// A field of a structure within the record that starts at `base`.
    subscript<Value>(_ field: Field<Value>, at base: Int) -> Value {
        get {
            do { return try field.read(bytes.rawSpan, at: base) } catch {
                preconditionFailure("field \(field.name) lies outside its record: \(error)")
            }
        }
        set { withBytes { (target: inout MutableRawSpan) in field.write(newValue, to: &target, at: base) } }
    }

    /// Sets all bytes in `range` to zero.
    mutating func clear(_ range: Range<Int>) {
        for index in range { bytes[index] = 0 }
    }

    mutating func replace(at offset: Int, with source: [UInt8]) {
        bytes.replaceSubrange(offset..<offset + source.count, with: source)
    }

    mutating func withBytes(_ body: (inout MutableRawSpan) -> Void) {
        var span = bytes.mutableSpan
        var raw = MutableRawSpan(_elements: &span)
        body(&raw)
    }
}
