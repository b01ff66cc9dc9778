/// What a layout is made of: a typed `Field`, or a `LayoutField` where a field's type is known only at run
/// time.
public protocol LayoutElement: Sendable {
    /// Name, place and form as values.
    var layoutField: LayoutField { get }
}

/// A field whose type is described by values.
public struct LayoutField: Equatable, Sendable, LayoutElement {
    /// The field's name in the kernel's structure.
    public var name: String
    /// Counted in bytes from the start of the structure.
    public var offset: Int
    /// How many bytes it has.
    public var byteCount: Int
    /// How it is shown.
    public var format: FieldFormat

    /// `byteCount` bytes from `offset` on, shown as `format` says.
    public init(_ name: String, at offset: Int, byteCount: Int, _ format: FieldFormat) {
        self.name = name
        self.offset = offset
        self.byteCount = byteCount
        self.format = format
    }

    /// The field itself.
    public var layoutField: LayoutField { self }
}

extension Field: LayoutElement {
    public var layoutField: LayoutField { shown(Value.fieldFormat) }

    /// The field shown in another form than that of its type.
    public func shown(_ format: FieldFormat) -> LayoutField {
        LayoutField(name, at: offset, byteCount: Value.fieldByteCount, format)
    }
}

/// The fields of a structure in the order of the disk. Bytes between them have no meaning that is known.
public struct Layout: Equatable, Sendable {
    /// The name of the structure.
    public var name: String
    /// The size of the structure in bytes.
    public var byteCount: Int
    /// The fields in the order in which they are shown.
    public var fields: [LayoutField]

    /// A structure of `byteCount` bytes with these fields.
    public init(_ name: String, byteCount: Int, _ elements: [any LayoutElement]) {
        self.name = name
        self.byteCount = byteCount
        fields = elements.map(\.layoutField)
    }
}

extension BytesField: LayoutElement {
    /// The bytes, shown as hexadecimal numbers.
    public var layoutField: LayoutField { shown(.bytes) }

    /// The same bytes, shown in another way.
    public func shown(_ format: FieldFormat) -> LayoutField {
        LayoutField(name, at: offset, byteCount: byteCount, format)
    }
}
