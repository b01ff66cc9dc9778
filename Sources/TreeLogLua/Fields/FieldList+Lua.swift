internal import BtrfsFormat
internal import LuaRuntime

// Between the values of fields and those of Lua.

extension FieldList {
    /// The values as a table by name.
    func table(of values: [FieldValue]) -> LuaTable {
        LuaTable(fields: zip(fields, values).map { ($0.name, $0.kind.lua($1)) })
    }

    /// The values from a table by name. Those that count others may be left out.
    func values(from table: LuaTable) throws(FieldError) -> [FieldValue] {
        for entry in table.entries {
            guard let name = entry.key.text, case .string = entry.key, index(of: name) != nil else {
                let name = entry.key.text ?? "of type \(entry.key.typeName)"
                let hint = Nearest.hint(name, among: fields.map(\.name))
                throw FieldError("there is no field '\(name)'\(hint)")
            }
        }
        var values: [FieldValue] = []
        values.reserveCapacity(fields.count)
        for field in fields {
            guard let value = table[field.name] else {
                guard field.counts != nil else { throw FieldError("field '\(field.name)' is missing") }
                values.append(.integer(0))
                continue
            }
            do { values.append(try field.kind.value(from: value)) } catch {
                throw FieldError("field '\(field.name)': \(error)")
            }
        }
        return values
    }
}

extension FieldKind {
    func lua(_ value: FieldValue) -> LuaValue {
        switch (self, value) {
        case (_, .integer(let value)): .integer(value)
        case (_, .bytes(let bytes)): .string(bytes)
        case (_, .time(let time)): .table(LuaTable(time))
        case (_, .key(let key)): .table(LuaTable(key))
        case (.structure(let list), .record(let values)): .table(list.table(of: values))
        case (.array(let element, _), .list(let values)): .table(LuaTable(list: values.map { element.lua($0) }))
        default: .nil
        }
    }

    func value(from value: LuaValue) throws(FieldError) -> FieldValue {
        switch (self, value) {
        case (.integer, .integer(let value)): return .integer(value)
        case (.integer, .boolean(let value)): return .integer(value ? 1 : 0)
        case (.bytes, .string(let bytes)): return .bytes(bytes)
        case (.time, .table(let table)):
            guard let seconds = table["seconds"]?.integer, let nanoseconds = table["nanoseconds"]?.integer,
                let nanoseconds = UInt32(exactly: nanoseconds)
            else { throw FieldError("a time is { seconds = …, nanoseconds = … }") }
            return .time(Timestamp(seconds: seconds, nanoseconds: nanoseconds))
        case (.key, .table(let table)):
            guard let key = Key(table) else { throw FieldError("a key is { objectid = …, kind = …, offset = … }") }
            return .key(key)
        case (.structure(let list), .table(let table)):
            return .record(try list.values(from: table))
        case (.array(let element, _), .table(let table)):
            var values: [FieldValue] = []
            for (index, entry) in table.entries.enumerated() {
                guard entry.key.integer == Int64(index) + 1 else { throw FieldError("a list without gaps is needed") }
                do { values.append(try element.value(from: entry.value)) } catch {
                    throw FieldError("element \(index + 1): \(error)")
                }
            }
            return .list(values)
        default:
            throw FieldError("\(luaTypeName) expected, got \(value.typeName)")
        }
    }

    /// What scripts give for it.
    var luaTypeName: String {
        switch self {
        case .integer: "integer"
        case .bytes: "string"
        case .time, .key, .structure, .array: "table"
        }
    }

    /// For the editor's stubs.
    var stubType: String {
        switch self {
        case .integer: "integer"
        case .bytes: "string"
        case .time: "treelog.Time"
        case .key: "treelog.Key"
        case .structure: "table"
        case .array(let element, _): element.stubType + "[]"
        }
    }
}

extension LuaTable {
    init(_ key: Key) {
        self.init(fields: [
            ("objectid", .integer(Int64(bitPattern: key.objectID.rawValue))),
            ("kind", .integer(Int64(key.type.rawValue))), ("offset", .integer(Int64(bitPattern: key.offset))),
        ])
    }

    init(_ time: Timestamp) {
        self.init(fields: [
            ("seconds", .integer(time.seconds)), ("nanoseconds", .integer(Int64(time.nanoseconds))),
        ])
    }
}

extension Key {
    /// A key from a table with `objectid`, `kind` and perhaps `offset`.
    init?(_ table: LuaTable) {
        guard let objectID = table["objectid"]?.integer, let kind = table["kind"]?.integer,
            let kind = UInt8(exactly: kind)
        else { return nil }
        let offset = table["offset"] ?? .integer(0)
        guard let offset = offset.integer else { return nil }
        self.init(ObjectID(UInt64(bitPattern: objectID)), KeyType(kind), UInt64(bitPattern: offset))
    }
}
