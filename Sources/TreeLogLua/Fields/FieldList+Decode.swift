public import BtrfsFormat

extension FieldList {
    /// The values of an item, in the order of the fields.
    ///
    /// - Throws: `FormatError` when the bytes are too short, too long, or a count goes beyond them.
    public func decode(_ bytes: RawSpan) throws(FormatError) -> [FieldValue] {
        var position = 0
        let values = try decode(bytes, &position)
        guard position == bytes.byteCount else {
            throw FormatError.invalid("the item has \(bytes.byteCount) bytes, its fields only \(position)")
        }
        return values
    }

    /// The value of one field, without those behind it.
    ///
    /// - Complexity: O(1) for a field with a fixed offset, else O(fields before it).
    public func value(at index: Int, of bytes: RawSpan) throws(FormatError) -> FieldValue {
        if let offset = fixedOffsets[index], !fields[index].kind.hasFieldCount {
            var position = offset
            return try Self.decode(fields[index].kind, bytes, &position, [])
        }
        var position = 0
        var values: [FieldValue] = []
        for field in fields[...index] {
            values.append(try Self.decode(field.kind, bytes, &position, values))
        }
        return values[index]
    }

    /// Checks that the bytes are an item, without making values of those that are fixed.
    public func check(_ bytes: RawSpan) throws(FormatError) {
        if isFixed {
            guard bytes.byteCount == minimumByteCount else {
                throw FormatError.invalid("the item has \(bytes.byteCount) bytes and must have \(minimumByteCount)")
            }
        } else {
            _ = try decode(bytes)
        }
    }

    /// Lists nest as deeply as the plugin wrote them, never by what is on a disk.
    private func decode(_ bytes: RawSpan, _ position: inout Int) throws(FormatError) -> [FieldValue] {
        var values: [FieldValue] = []
        values.reserveCapacity(fields.count)
        for field in fields {
            do { values.append(try Self.decode(field.kind, bytes, &position, values)) } catch {
                guard case .outOfBounds = error.reason else { throw error }
                throw FormatError.invalid("field '\(field.name)' ends beyond the \(bytes.byteCount) bytes of the item")
            }
        }
        return values
    }

    /// - Parameter values: of the fields before this one.
    private static func decode(
        _ kind: FieldKind, _ bytes: RawSpan, _ position: inout Int, _ values: [FieldValue]
    ) throws(FormatError) -> FieldValue {
        switch kind {
        case .integer(let integer):
            let value = try integer.value(of: bytes, at: position)
            position += integer.byteCount
            return .integer(value)
        case .time:
            let value = Timestamp(
                seconds: Int64(bitPattern: try bytes.u64(at: position)), nanoseconds: try bytes.u32(at: position &+ 8))
            position += 12
            return .time(value)
        case .key:
            let key = try Key(bytes, at: position)
            position += Key.byteCount
            return .key(key)
        case .bytes(let count, _):
            let count = try number(count, values, elementByteCount: 1, bytes.byteCount - position)
            let slice = try bytes.slice(at: position, count: count)
            position += count
            return .bytes(slice.copied)
        case .structure(let list):
            return .record(try list.decode(bytes, &position))
        case .array(let element, let count):
            if case .rest = count {
                var elements: [FieldValue] = []
                while position < bytes.byteCount { elements.append(try decode(element, bytes, &position, [])) }
                return .list(elements)
            }
            let count = try number(
                count, values, elementByteCount: element.minimumByteCount, bytes.byteCount - position)
            var elements: [FieldValue] = []
            for _ in 0..<count { elements.append(try decode(element, bytes, &position, [])) }
            return .list(elements)
        }
    }

    /// How many elements there are; never more than fit the bytes that are left.
    private static func number(
        _ count: FieldCount, _ values: [FieldValue], elementByteCount: Int, _ available: Int
    ) throws(FormatError) -> Int {
        let wanted: UInt64
        switch count {
        case .fixed(let count): wanted = UInt64(count)
        case .rest: return max(0, available)
        case .field(let index):
            guard case .integer(let value) = values[index] else { throw FormatError.invalid("no count") }
            wanted = UInt64(bitPattern: value)
        }
        guard available >= 0, wanted <= UInt64(available / max(1, elementByteCount)) else {
            throw FormatError.outOfBounds(offset: 0, count: Int(clamping: wanted), available: max(0, available))
        }
        return Int(wanted)
    }
}

extension FieldKind {
    /// Whether another field says how long it is.
    var hasFieldCount: Bool {
        switch self {
        case .bytes(.field, _), .array(_, .field): true
        default: false
        }
    }
}

extension IntegerField {
    func value(of bytes: RawSpan, at position: Int) throws(FormatError) -> Int64 {
        switch (byteCount, isSigned) {
        case (1, false): Int64(try bytes.u8(at: position))
        case (1, true): Int64(Int8(bitPattern: try bytes.u8(at: position)))
        case (2, false): Int64(try bytes.u16(at: position))
        case (2, true): Int64(Int16(bitPattern: try bytes.u16(at: position)))
        case (4, false): Int64(try bytes.u32(at: position))
        case (4, true): Int64(Int32(bitPattern: try bytes.u32(at: position)))
        default: Int64(bitPattern: try bytes.u64(at: position))
        }
    }
}
