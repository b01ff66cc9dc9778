internal import BtrfsFormat
internal import BtrfsVolume
internal import LuaRuntime

/// A call of an operation, with arguments that fit its entry in the table of the API.
struct WorkloadCall {
    let entry: APIEntry
    private let values: [LuaValue]

    /// - Throws: `APIError` that names the argument which does not fit.
    init(_ entry: APIEntry, _ arguments: borrowing LuaArguments) throws {
        self.entry = entry
        guard case .method(let parameters, _) = entry.kind, case .view = try arguments.value(0) else {
            throw APIError("call it with a colon: fs:\(entry.name)(…)")
        }
        guard arguments.count <= parameters.count + 1 else {
            let names = parameters.map(\.name).joined(separator: ", ")
            throw APIError("fs:\(entry.name): \(arguments.count - 1) arguments, and it takes (\(names))")
        }
        var values: [LuaValue] = []
        for (place, parameter) in parameters.enumerated() {
            let value = try arguments.value(place + 1)
            guard Self.fits(value, parameter.type) else {
                let expected = Self.words(parameter.type)
                throw APIError(
                    "fs:\(entry.name): \(parameter.name) must be \(expected), got \(Self.name(of: value))")
            }
            values.append(value)
        }
        self.values = values
    }

    private static func name(of value: LuaValue) -> String {
        switch value {
        case .nil: "nothing"
        case .number(let number): "\(number)"
        case .string: "\"\(value.text?.prefix(40) ?? "")\""
        default: "a \(value.typeName)"
        }
    }

    private static func fits(_ value: LuaValue, _ type: String) -> Bool {
        if value == .nil { return type.hasSuffix("?") }
        return alternatives(type).contains { type in
            switch type {
            case "string": value.text != nil
            case "integer": value.integer != nil
            case "boolean": value.boolean != nil
            case "table": value.table != nil
            case "any": true
            case _ where type.hasPrefix("\""): value.text.map { type == "\"\($0)\"" } ?? false
            default: value.table != nil
            }
        }
    }

    private static func alternatives(_ type: String) -> [Substring] {
        (type.hasSuffix("?") ? type.dropLast() : type[...]).split(separator: "|")
    }

    private static func words(_ type: String) -> String {
        alternatives(type).map { $0.hasPrefix("\"") ? String($0) : $0 == "integer" ? "an integer" : "a \($0)" }
            .joined(separator: " or ")
    }

    // MARK: Arguments

    func isGiven(_ place: Int) -> Bool { values[place] != .nil }

    func value(_ place: Int) -> LuaValue { values[place] }

    func bytes(_ place: Int) -> [UInt8] { if case .string(let bytes) = values[place] { bytes } else { [] } }

    func text(_ place: Int) -> String? { values[place].text }

    func boolean(_ place: Int) -> Bool { values[place].boolean ?? false }

    /// A number that may be left out.
    func integer(_ place: Int, else other: Int64 = 0) -> Int64 { values[place].integer ?? other }

    /// An offset, count or mode that may be left out.
    func unsigned(_ place: Int, else other: UInt64 = 0) throws -> UInt64 {
        guard let value = values[place].integer else { return other }
        guard let value = UInt64(exactly: value) else { throw refusal(place, "must not be negative, got \(value)") }
        return value
    }

    func unsigned32(_ place: Int, else other: UInt32 = 0) throws -> UInt32 {
        guard let value = UInt32(exactly: try unsigned(place, else: UInt64(other))) else {
            throw refusal(place, "must be less than 2^32")
        }
        return value
    }

    /// A range from the offset and count at two places.
    func range(_ place: Int) throws -> (offset: UInt64, count: UInt64) {
        (try unsigned(place), try unsigned(place + 1))
    }

    func time(_ place: Int) throws -> Timestamp {
        guard let table = values[place].table else { return Timestamp(seconds: integer(place), nanoseconds: 0) }
        guard let seconds = table["seconds"]?.integer,
            let nanoseconds = UInt32(exactly: table["nanoseconds"]?.integer ?? 0), nanoseconds < 1_000_000_000
        else { throw refusal(place, "must be { seconds = …, nanoseconds = … }") }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// A key type: a number, or an item type that was declared.
    func keyType(_ place: Int) throws -> KeyType {
        let number = values[place].integer ?? values[place].table?["kind"]?.integer
        guard let number, let number = UInt8(exactly: number) else {
            throw refusal(place, "must be a key type from 0 to 255, or an item type")
        }
        return KeyType(number)
    }

    func refusal(_ place: Int, _ problem: String) -> APIError {
        guard case .method(let parameters, _) = entry.kind else { return APIError(problem) }
        return APIError("fs:\(entry.name): \(parameters[place].name) \(problem)")
    }

    // MARK: Showing

    /// As people read it: `write "/a" 4096 bytes 0`.
    var description: String {
        guard case .method(let parameters, _) = entry.kind else { return entry.name }
        var words = [entry.name]
        for (parameter, value) in zip(parameters, values) where value != .nil {
            switch value {
            case .string(let bytes) where ["bytes", "value"].contains(parameter.name):
                words.append("\(bytes.count) bytes")
            case .string(let bytes): words.append("\"\(EscapedBytes.text(bytes))\"")
            case .integer(let value) where parameter.name == "mode": words.append("0" + String(value, radix: 8))
            case .integer(let value): words.append("\(value)")
            case .boolean(let value): words.append("\(value)")
            case .table(let table):
                let seconds = table["seconds"]?.integer.map { "\($0)" }
                words.append(table["name"]?.text ?? seconds ?? "…")
            default: words.append(value.typeName)
            }
        }
        return words.joined(separator: " ")
    }
}
