internal import BtrfsFormat

// Values as people write them: on a command line, or as JSON.

extension FieldList {
    /// The values of an item from texts by name, as `treelog item put --value` takes them. What is not given is zero
    /// or empty, where a field can be that; fields that count others are filled in.
    ///
    /// Integers are decimal, or hexadecimal after `0x`, or a name of the value, or names of flags with `|` between
    /// them. Bytes are text, digits in pairs or a UUID, by the format of the field; JSON in quotes is always text.
    /// Times are seconds with a fraction, keys such as `257 INODE_ITEM 0`. Arrays and structs are JSON, and all others
    /// may be JSON.
    ///
    /// - Throws: `FieldError` that names the field, and says what it takes.
    public func values(fromText texts: [String: String]) throws(FieldError) -> [FieldValue] {
        for name in texts.keys.sorted() where index(of: name) == nil {
            throw FieldError("there is no field '\(name)'\(Nearest.hint(name, among: fields.map(\.name)))")
        }
        var values: [FieldValue] = []
        for field in fields {
            do {
                if let text = texts[field.name] {
                    values.append(try field.kind.value(fromText: text))
                } else {
                    values.append(try field.kind.empty())
                }
            } catch { throw FieldError("field '\(field.name)': \(error)") }
        }
        return values
    }

    fileprivate func values(fromMembers members: [JSONText.Member]) throws(FieldError) -> [FieldValue] {
        for member in members where index(of: member.name) == nil {
            throw FieldError(
                "there is no field '\(member.name)'\(Nearest.hint(member.name, among: fields.map(\.name)))")
        }
        var values: [FieldValue] = []
        for field in fields {
            do {
                if let member = members.first(where: { $0.name == field.name }) {
                    values.append(try field.kind.value(fromJSON: member.value))
                } else {
                    values.append(try field.kind.empty())
                }
            } catch { throw FieldError("field '\(field.name)': \(error)") }
        }
        return values
    }
}

extension FieldKind {
    /// What a field holds that nobody gave.
    fileprivate func empty() throws(FieldError) -> FieldValue {
        switch self {
        case .integer: .integer(0)
        case .time: .time(Timestamp(seconds: 0, nanoseconds: 0))
        case .bytes(.fixed(let count), _): .bytes([UInt8](repeating: 0, count: count))
        case .bytes: .bytes([])
        case .array(let element, .fixed(let count)):
            .list(try (0..<count).map { (_) throws(FieldError) in try element.empty() })
        case .array: .list([])
        case .key, .structure: throw FieldError("it is missing; it takes \(takes)")
        }
    }

    /// For messages.
    private var takes: String {
        switch self {
        case .integer(let integer):
            integer.names.isEmpty
                ? "an integer"
                : "an integer or \(integer.isFlags ? "names" : "a name") of "
                    + integer.names.sorted { $0.key < $1.key }.map(\.value).joined(separator: ", ")
        case .time: "seconds since 1970, such as 1700000000.5"
        case .key: "a key, such as '257 INODE_ITEM 0'"
        case .bytes(_, .text): "text"
        case .bytes(_, .uuid): "a UUID"
        case .bytes(_, .hex): "hexadecimal digits in pairs, or text in quotes"
        case .array: "a list, such as [1, 2]"
        case .structure(let list): "an object with \(list.fields.map(\.name).joined(separator: ", "))"
        }
    }

    private func mismatch(_ text: String) -> FieldError { FieldError("'\(text)' does not fit; it takes \(takes)") }

    fileprivate func value(fromText text: String) throws(FieldError) -> FieldValue {
        switch self {
        case .array, .structure: return try value(fromJSON: try JSONText(parsing: text))
        case .bytes(_, .text): return .bytes(Array(text.utf8))
        case .bytes where text.hasPrefix("\""): return try value(fromJSON: try JSONText(parsing: text))
        case .time where text.hasPrefix("{"), .key where text.hasPrefix("{"):
            return try value(fromJSON: try JSONText(parsing: text))
        default: return try word(text)
        }
    }

    /// The value that one word is, on the command line or in a string of JSON.
    private func word(_ text: String) throws(FieldError) -> FieldValue {
        let value: FieldValue? =
            switch self {
            case .integer(let integer): integer.value(fromText: text).map { .integer($0) }
            case .key: Key(words: text).map { .key($0) }
            case .time: Timestamp(secondsText: text).map { .time($0) }
            case .bytes(_, .uuid): Self.uuid(text).map { .bytes($0) }
            case .bytes(_, .hex): TextFormat.unhex(Array(text.utf8)).map { .bytes($0) }
            default: nil
            }
        guard let value else { throw mismatch(text) }
        return value
    }

    private static func uuid(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8).filter { $0 != UInt8(ascii: "-") }
        return digits.count == 32 ? TextFormat.unhex(digits) : nil
    }

    fileprivate func value(fromJSON json: JSONText) throws(FieldError) -> FieldValue {
        switch (self, json) {
        case (.integer, .number(let text)): return try word(text)
        case (.integer, .boolean(let value)): return .integer(value ? 1 : 0)
        case (.integer, .string(let text)), (.key, .string(let text)), (.bytes(_, .uuid), .string(let text)):
            return try word(text)
        case (.bytes, .string(let text)): return .bytes(Array(text.utf8))
        case (.bytes, .list(let elements)):
            return .bytes(
                try elements.map { (element) throws(FieldError) in
                    guard case .number(let digits) = element, let byte = UInt8(digits) else {
                        throw FieldError("bytes as a list are numbers from 0 to 255")
                    }
                    return byte
                })
        case (.time, .number(let text)), (.time, .string(let text)): return try word(text)
        case (.time, .object(let members)):
            let list = FieldList([
                Field("seconds", .integer(IntegerField(byteCount: 8, isSigned: true))),
                Field("nanoseconds", .integer(IntegerField(byteCount: 4, isSigned: false))),
            ])
            guard case .integer(let seconds) = try list.values(fromMembers: members)[0],
                case .integer(let nanoseconds) = try list.values(fromMembers: members)[1],
                let nanoseconds = UInt32(exactly: nanoseconds)
            else { throw FieldError("it takes \(takes)") }
            return .time(Timestamp(seconds: seconds, nanoseconds: nanoseconds))
        case (.key, .object(let members)):
            let words = ["objectid", "kind", "offset"].map { name in
                switch members.first(where: { $0.name == name })?.value {
                case .number(let text), .string(let text): text
                default: "?"
                }
            }
            guard members.count == 3, let key = Key(words: words.joined(separator: " ")) else {
                throw FieldError("a key is {\"objectid\": …, \"kind\": …, \"offset\": …}")
            }
            return .key(key)
        case (.structure(let list), .object(let members)): return .record(try list.values(fromMembers: members))
        case (.array(let element, _), .list(let values)):
            var elements: [FieldValue] = []
            for (index, value) in values.enumerated() {
                do { elements.append(try element.value(fromJSON: value)) } catch {
                    throw FieldError("element \(index + 1): \(error)")
                }
            }
            return .list(elements)
        default: throw FieldError("it is \(json.typeName), and takes \(takes)")
        }
    }
}

extension IntegerField {
    /// A number by its digits, or by its name, or by the names of its bits.
    fileprivate func value(fromText text: String) -> Int64? {
        if let value = Self.number(text) { return value }
        func number(_ name: Substring) -> UInt64? { names.first { $0.value == name }?.key }
        guard isFlags else { return number(text[...]).map { Int64(bitPattern: $0) } }
        var bits: UInt64 = 0
        for name in text.split(separator: "|") {
            let digits = Self.number(String(name)).map { UInt64(bitPattern: $0) }
            guard let bit = number(name) ?? digits else { return nil }
            bits |= bit
        }
        return Int64(bitPattern: bits)
    }

    private static func number(_ text: String) -> Int64? {
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
            return UInt64(text.dropFirst(2), radix: radix).map { Int64(bitPattern: $0) }
        }
        return Int64(text) ?? UInt64(text).map { Int64(bitPattern: $0) }
    }
}

extension Timestamp {
    /// From seconds since 1970 with up to nine digits after a point.
    fileprivate init?(secondsText text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = Int64(parts[0]) else { return nil }
        var nanoseconds: UInt32 = 0
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
                let value = UInt32(digits + String(repeating: "0", count: 9 - digits.utf8.count))
            else { return nil }
            nanoseconds = value
        }
        self.init(seconds: whole, nanoseconds: nanoseconds)
    }
}

extension Key {
    /// From `257 INODE_ITEM 0`, with or without brackets; the kind may be a number.
    fileprivate init?(words text: String) {
        let words = text.filter { $0 != "(" && $0 != ")" }.split(separator: " ").map(String.init)
        func number(_ word: String) -> UInt64? { UInt64(word) ?? Int64(word).map { UInt64(bitPattern: $0) } }
        guard words.count == 3, let objectID = number(words[0]), let offset = number(words[2]),
            let type = UInt8(words[1]).map({ KeyType($0) }) ?? KeyType(name: words[1].uppercased())
        else { return nil }
        self.init(ObjectID(objectID), type, offset)
    }
}
