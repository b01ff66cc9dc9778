public import BtrfsFormat

// Items for people and for JSON: the same records that describe the built-in types.

extension FieldList {
    /// The values of an item by name, in the forms that the fields ask for.
    ///
    /// - Throws: as `decode`.
    public func record(of bytes: RawSpan) throws(FormatError) -> ItemRecord { record(of: try decode(bytes)) }

    func record(of values: [FieldValue]) -> ItemRecord {
        var record = ItemRecord()
        for (field, value) in zip(fields, values) { record.append(field.name, field.kind.shown(value)) }
        return record
    }

    /// The fields that have a fixed place, as a layout; what follows them is shown as bytes.
    public func layout(named name: String) -> Layout {
        var end = 0
        var shown: [LayoutField] = []
        for (field, offset) in zip(fields, fixedOffsets) {
            guard let offset, field.kind.isFixed, let format = field.kind.layoutFormat else { break }
            shown.append(LayoutField(field.name, at: offset, byteCount: field.kind.minimumByteCount, format))
            end = offset + field.kind.minimumByteCount
        }
        return Layout(name, byteCount: end, shown)
    }
}

extension FieldKind {
    func shown(_ value: FieldValue) -> ItemValue {
        switch (self, value) {
        case (.integer(let integer), .integer(let value)): integer.shown(value)
        case (.bytes(_, .text), .bytes(let bytes)): .name(bytes)
        case (.bytes(_, .uuid), .bytes(let bytes)) where bytes.count == 16:
            .text((try? bytes.rawSpan.uuid(at: 0).description) ?? "")
        case (_, .bytes(let bytes)): .bytes(bytes)
        case (_, .time(let time)): .time(time)
        case (_, .key(let key)): .key(key)
        case (.structure(let list), .record(let values)): .record(list.record(of: values))
        case (.array(let element, _), .list(let values)): .list(values.map { element.shown($0) })
        case (_, .integer(let value)): .signed(value)
        default: .text("")
        }
    }

    var layoutFormat: FieldFormat? {
        switch self {
        case .integer(let integer): integer.layoutFormat
        case .bytes(_, .text): .text
        case .bytes(_, .uuid): .uuid
        case .bytes(_, .hex): .bytes
        case .time: .time
        case .key: .key
        case .structure, .array: nil
        }
    }
}

extension IntegerField {
    func shown(_ value: Int64) -> ItemValue {
        let bits = UInt64(bitPattern: value) & (byteCount == 8 ? .max : (1 << (8 * UInt64(byteCount))) - 1)
        if !names.isEmpty {
            if isFlags { return .text(bitNames.joined(bits: bits)) }
            if let name = names[bits] { return .text(name) }
        }
        switch format {
        case .decimal: return isSigned ? .signed(value) : .unsigned(bits)
        case .hex: return .text("0x" + String(bits, radix: 16))
        case .octal: return .text("0o" + String(bits, radix: 8))
        case .time: return .time(Timestamp(seconds: value, nanoseconds: 0))
        }
    }

    /// By number of the bit; names of more than one bit have none.
    private var bitNames: NumberNames {
        var result: [UInt64: String] = [:]
        for (mask, name) in names where mask.nonzeroBitCount == 1 { result[UInt64(mask.trailingZeroBitCount)] = name }
        return NumberNames(result)
    }

    var layoutFormat: FieldFormat {
        if !names.isEmpty { return isFlags ? .flags(bitNames) : .named(NumberNames(names)) }
        switch format {
        case .decimal, .time: return isSigned ? .signed : .unsigned
        case .hex: return .hexadecimal
        case .octal: return .octal
        }
    }
}
