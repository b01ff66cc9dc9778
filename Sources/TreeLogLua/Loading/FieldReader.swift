internal import LuaRuntime

/// Makes the fields of an item type from what the script declared.
struct FieldReader {
    /// For messages: `item "COUNTER"`.
    let subject: String
    /// Of the constructor, where a field does not know its own.
    let place: String
    let problems: ProblemList
    /// Names that fields cannot have.
    let reserved: [String]
    /// Whether the last field may go on to the end of the item.
    var mayTakeRest = true

    /// - Returns: nil when something is wrong.
    func list(_ values: [LuaValue]) -> FieldList? {
        var fields: [Field] = []
        var isRight = true
        for (index, value) in values.enumerated() {
            let isLast = index == values.count - 1
            guard let field = field(value, number: index + 1, after: &fields, isLast: isLast) else {
                isRight = false
                continue
            }
            fields.append(field)
        }
        if values.isEmpty {
            problems.add("\(subject): fields is empty; leave it out for bytes of any length", at: place)
            return nil
        }
        return isRight ? FieldList(fields) : nil
    }

    private func field(
        _ value: LuaValue, number: Int, after fields: inout [Field], isLast: Bool
    ) -> Field? {
        guard case .table(let table) = value else {
            problems.add("field \(number) of \(subject): a field expected, got \(value.typeName)", at: place)
            return nil
        }
        let place = table["place"]?.text ?? place
        let options = table["options"]?.table
        let reader = TableReader(
            table: options ?? table, subject: "field \(number) of \(subject)", place: place, problems: problems)
        if let value = table["options"], options == nil {
            reader.problem("a table of options expected, got \(value.typeName)")
            return nil
        }
        reader.checkKeys(APITable.fieldOptions.keys + (options == nil ? ["type", "name", "place"] : []))
        let name = self.name(table, reader, fields)
        guard let type = table["type"]?.text else {
            reader.problem("type is missing")
            return nil
        }
        guard let kind = kind(type, reader, &fields, isLast: isLast), let name else { return nil }
        let field = Field(name, kind, doc: reader.text("doc") ?? "")
        if case .bytes(.field(let index), _) = kind { fields[index].counts = fields.count }
        if case .array(_, .field(let index)) = kind { fields[index].counts = fields.count }
        return field
    }

    private func name(_ table: LuaTable, _ reader: TableReader, _ fields: [Field]) -> String? {
        guard let name = table["name"]?.text else {
            reader.problem("name is missing")
            return nil
        }
        let letters = name.utf8
        let isRight = letters.first.map { ($0 >= 97 && $0 <= 122) || $0 == 95 } == true && letters.count <= 64
            && letters.allSatisfy { ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95 }
        if !isRight {
            reader.problem("the name \"\(name)\" must be lower case letters, digits and _")
            return nil
        }
        if reserved.contains(name) {
            reader.problem("the name \"\(name)\" is one that every item has")
            return nil
        }
        if fields.contains(where: { $0.name == name }) {
            reader.problem("the name \"\(name)\" is taken by another field")
            return nil
        }
        return name
    }

    // MARK: Types

    private func kind(
        _ type: String, _ reader: TableReader, _ fields: inout [Field], isLast: Bool
    ) -> FieldKind? {
        if let integer = IntegerField.words[type] { return self.integer(integer, reader).map { .integer($0) } }
        switch type {
        case "time": return .time
        case "key": return .key
        case "bytes":
            guard let count = count(reader, fields, isLast: isLast) else { return nil }
            let words = BytesFormat.allCases.map(\.rawValue)
            let format = reader.word("format", words).flatMap(BytesFormat.init) ?? .hex
            if format == .uuid, count != .fixed(16) {
                reader.problem("a uuid has a count of 16")
                return nil
            }
            return .bytes(count, format)
        case "struct":
            guard let list = reader.list("fields") else {
                if reader.table["fields"] == nil { reader.problem("fields is missing") }
                return nil
            }
            return nested(list, reader).map { .structure($0) }
        case "array":
            guard let element = element(reader), let count = count(reader, fields, isLast: isLast) else { return nil }
            return .array(element, count)
        default:
            let hint = Nearest.hint(type, among: APITable.fieldWords, quote: "\"")
            reader.problem("unknown type \"\(type)\"\(hint)")
            return nil
        }
    }

    private func nested(_ list: [LuaValue], _ reader: TableReader) -> FieldList? {
        FieldReader(
            subject: reader.subject, place: reader.place, problems: problems, reserved: [], mayTakeRest: false
        ).list(list)
    }

    private func element(_ reader: TableReader) -> FieldKind? {
        switch reader.table["of"] {
        case .some(.string):
            let word = reader.text("of") ?? ""
            if let integer = IntegerField.words[word] { return self.integer(integer, reader).map { .integer($0) } }
            if word == "time" { return .time }
            if word == "key" { return .key }
            let words = APITable.integerWords + ["time", "key"]
            reader.problem("of: unknown type \"\(word)\"\(Nearest.hint(word, among: words, quote: "\""))")
            return nil
        case .some(.table):
            return reader.list("of").flatMap { nested($0, reader) }.map { .structure($0) }
        case .some(let value):
            reader.problem("of must be the name of a type or a list of fields, got \(value.typeName)")
            return nil
        case nil:
            reader.problem("of is missing: the type of the elements")
            return nil
        }
    }

    private func integer(_ integer: IntegerField, _ reader: TableReader) -> IntegerField? {
        var integer = integer
        let words = IntegerField.Format.allCases.map(\.rawValue)
        integer.format = reader.word("format", words).flatMap(IntegerField.Format.init) ?? .decimal
        integer.isFlags = reader.boolean("flags") ?? false
        for entry in reader.table("names")?.entries ?? [] {
            guard let value = entry.key.integer, let name = entry.value.text, integer.holds(value) else {
                reader.problem("names: each is a value of the field and a string")
                return nil
            }
            let bits = integer.byteCount == 8 ? UInt64.max : (1 << (8 * UInt64(integer.byteCount))) - 1
            let number = UInt64(bitPattern: value) & bits
            if integer.isFlags, number.nonzeroBitCount != 1 {
                reader.problem("names: \(value) is not a single bit")
                return nil
            }
            integer.names[number] = name
        }
        return integer
    }

    /// How many bytes or elements a field has.
    private func count(_ reader: TableReader, _ fields: [Field], isLast: Bool) -> FieldCount? {
        switch reader.table["count"] {
        case nil:
            guard mayTakeRest, isLast else {
                reader.problem("count is missing; only the last field of an item may take the rest")
                return nil
            }
            return .rest
        case .some(.integer(let count)):
            guard count > 0, count <= 1 << 16 else {
                reader.problem("count must be 1 to 65536, got \(count)")
                return nil
            }
            return .fixed(Int(count))
        case .some(.string):
            let name = reader.text("count") ?? ""
            guard let index = fields.firstIndex(where: { $0.name == name }) else {
                let hint = Nearest.hint(name, among: fields.map(\.name), quote: "\"")
                reader.problem("count: there is no field \"\(name)\" before this one\(hint)")
                return nil
            }
            guard case .integer(let integer) = fields[index].kind, !integer.isSigned, fields[index].counts == nil
            else {
                reader.problem("count: \"\(name)\" must be an unsigned integer that counts nothing else")
                return nil
            }
            return .field(index)
        case .some(let value):
            reader.problem("count must be a number or the name of a field, got \(value.typeName)")
            return nil
        }
    }
}
