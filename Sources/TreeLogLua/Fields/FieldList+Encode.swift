internal import BtrfsFormat

extension FieldList {
    /// The bytes of an item. Fields that count others are filled in, whatever their values are.
    ///
    /// - Throws: `FieldError` when a value does not fit its field.
    public func encode(_ values: [FieldValue]) throws(FieldError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(minimumByteCount)
        try encode(values, to: &bytes)
        return bytes
    }

    private func encode(_ values: [FieldValue], to bytes: inout [UInt8]) throws(FieldError) {
        guard values.count == fields.count else { throw FieldError("\(fields.count) values are needed") }
        for (index, field) in fields.enumerated() {
            var value = values[index]
            if let counted = field.counts {
                value = .integer(Int64(Self.count(of: values[counted])))
            }
            do { try Self.encode(value, field.kind, to: &bytes) } catch {
                throw FieldError("field '\(field.name)': \(error)")
            }
        }
    }

    private static func count(of value: FieldValue) -> Int {
        switch value {
        case .bytes(let bytes): bytes.count
        case .list(let elements): elements.count
        default: 0
        }
    }

    private static func encode(
        _ value: FieldValue, _ kind: FieldKind, to bytes: inout [UInt8]
    ) throws(FieldError) {
        switch (kind, value) {
        case (.integer(let integer), .integer(let value)):
            guard integer.holds(value) else {
                throw FieldError("\(value) is not within \(integer.rangeText)")
            }
            append(UInt64(bitPattern: value), integer.byteCount, to: &bytes)
        case (.time, .time(let time)):
            append(UInt64(bitPattern: time.seconds), 8, to: &bytes)
            append(UInt64(time.nanoseconds), 4, to: &bytes)
        case (.key, .key(let key)):
            append(key.objectID.rawValue, 8, to: &bytes)
            bytes.append(key.type.rawValue)
            append(key.offset, 8, to: &bytes)
        case (.bytes(let count, _), .bytes(let value)):
            if case .fixed(let count) = count, value.count != count {
                throw FieldError("\(value.count) bytes, and there must be \(count)")
            }
            bytes += value
        case (.structure(let list), .record(let values)):
            try list.encode(values, to: &bytes)
        case (.array(let element, let count), .list(let values)):
            if case .fixed(let count) = count, values.count != count {
                throw FieldError("\(values.count) elements, and there must be \(count)")
            }
            for (index, value) in values.enumerated() {
                do { try encode(value, element, to: &bytes) } catch {
                    throw FieldError("element \(index + 1): \(error)")
                }
            }
        default:
            throw FieldError("a value of another type")
        }
    }

    private static func append(_ value: UInt64, _ byteCount: Int, to bytes: inout [UInt8]) {
        for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
    }

    // MARK: Random items

    /// An item that the fields can hold, for tests.
    public func randomBytes(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let values = randomValues(using: &generator)
        return (try? encode(values)) ?? []
    }

    /// Values for all fields, edges of their ranges more often than others.
    public func randomValues(using generator: inout some RandomNumberGenerator) -> [FieldValue] {
        fields.map { Self.randomValue($0.kind, limit: limit(of: $0), using: &generator) }
    }

    /// How many elements a field may have at most, by the field that counts them.
    private func limit(of field: Field) -> Int {
        let count: FieldCount
        switch field.kind {
        case .bytes(let own, _), .array(_, let own): count = own
        default: return 0
        }
        guard case .field(let index) = count, case .integer(let integer) = fields[index].kind else { return 32 }
        return integer.byteCount == 1 && integer.isSigned ? 100 : 32
    }

    private static func randomValue(
        _ kind: FieldKind, limit: Int, using generator: inout some RandomNumberGenerator
    ) -> FieldValue {
        func number(_ count: FieldCount) -> Int {
            if case .fixed(let count) = count { return count }
            return Int.random(in: 0...min(limit, 32), using: &generator)
        }
        switch kind {
        case .integer(let integer):
            let bits = UInt64(8 * integer.byteCount)
            let mask = bits == 64 ? UInt64.max : (1 << bits) - 1
            let edges: [UInt64] = [0, 1, mask, mask >> 1, (mask >> 1) + 1]
            let raw = edges.randomElement(using: &generator) ?? 0
            let value = (Bool.random(using: &generator) ? raw : UInt64.random(in: 0...mask, using: &generator)) & mask
            guard integer.isSigned, bits < 64 else { return .integer(Int64(bitPattern: value)) }
            return .integer(Int64(bitPattern: value << (64 - bits)) >> Int64(64 - bits))
        case .time:
            let seconds = Int64.random(in: -(1 << 32)...(1 << 34), using: &generator)
            return .time(Timestamp(seconds: seconds, nanoseconds: .random(in: 0..<1_000_000_000, using: &generator)))
        case .key:
            return .key(
                Key(
                    ObjectID(.random(in: 0 ... .max, using: &generator)),
                    KeyType(.random(in: 0 ... .max, using: &generator)), .random(in: 0 ... .max, using: &generator)))
        case .bytes(let count, _):
            return .bytes((0..<number(count)).map { _ in UInt8.random(in: 0 ... .max, using: &generator) })
        case .structure(let list):
            return .record(list.randomValues(using: &generator))
        case .array(let element, let count):
            return .list((0..<number(count)).map { _ in randomValue(element, limit: 32, using: &generator) })
        }
    }
}
