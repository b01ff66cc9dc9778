internal import BtrfsFormat
internal import Testing
internal import TreeLogLua

private typealias Value = TreeLogLua.FieldValue

/// Values as people write them.
@Suite struct FieldTextTests {
    private static let fields = FieldList([
        Field("number", .integer(IntegerField(byteCount: 8, isSigned: false))),
        Field("small", .integer(IntegerField(byteCount: 1, isSigned: true))),
        Field("state", .integer(named([0: "closed", 1: "open"]))),
        Field("flags", .integer(named([1: "read", 2: "write", 4: "both"], areFlags: true))),
        Field("at", .time), Field("target", .key), Field("digits", .bytes(.fixed(2), .hex)),
        Field("id", .bytes(.fixed(16), .uuid)),
        Field("pair", .structure(FieldList([
            Field("x", .integer(IntegerField(byteCount: 2, isSigned: false))),
            Field("y", .bytes(.fixed(1), .hex)),
        ]))),
        Field("list", .array(.integer(IntegerField(byteCount: 4, isSigned: true)), .fixed(2))),
        Field("text", .bytes(.rest, .text)),
    ])

    private static func named(_ names: [UInt64: String], areFlags: Bool = false) -> IntegerField {
        var integer = IntegerField(byteCount: 4, isSigned: false)
        integer.names = names
        integer.isFlags = areFlags
        return integer
    }

    private static let required = ["target": "257 INODE_ITEM 0", "pair": "{}"]

    private func value(_ name: String, _ text: String) throws -> Value {
        let texts = Self.required.merging([name: text]) { $1 }
        let values = try Self.fields.values(fromText: texts)
        let bytes = try Self.fields.encode(values)
        let decoded = try Self.fields.decode(bytes.rawSpan)
        #expect(decoded == values)
        return try #require(zip(Self.fields.fields, values).first { $0.0.name == name }?.1)
    }

    /// In a list of a known type, for the sake of the compiler.
    private static let texts: [(name: String, text: String, value: Value)] = [
        ("number", "18446744073709551615", .integer(-1)), ("number", "-6", .integer(-6)),
        ("number", "0xff", .integer(255)), ("number", "0o17", .integer(15)), ("small", "-128", .integer(-128)),
        ("state", "open", .integer(1)), ("state", "7", .integer(7)), ("flags", "read|write", .integer(3)),
        ("flags", "both|0x10", .integer(20)), ("digits", "0aFF", .bytes([10, 255])), ("digits", "\"ab\"", .bytes([97, 98])),
        ("at", "1700000000.5", .time(Timestamp(seconds: 1_700_000_000, nanoseconds: 500_000_000))),
        ("at", "-1", .time(Timestamp(seconds: -1, nanoseconds: 0))),
        ("at", "{\"seconds\": 3, \"nanoseconds\": 999999999}", .time(Timestamp(seconds: 3, nanoseconds: 999_999_999))),
        ("target", "(257 INODE_ITEM 18446744073709551615)", .key(Key(ObjectID(257), .inodeItem, .max))),
        (
            "target", "{\"objectid\": -6, \"kind\": \"XATTR_ITEM\", \"offset\": 3}",
            .key(Key(ObjectID(.max - 5), .xattrItem, 3))
        ),
        ("target", "256 97 0", .key(Key(ObjectID(256), KeyType(97), 0))),
        ("id", "00010203-0405-0607-0809-0a0b0c0d0e0f", .bytes(Array(0..<16))),
        ("list", "[ -1 , 2147483647 ]", .list([.integer(-1), .integer(Int64(Int32.max))])),
        ("text", "as {it} is", .bytes(Array("as {it} is".utf8))),
        ("pair", "{\"x\": 3, \"y\": [65]}", .record([.integer(3), .bytes([65])])),
    ]

    @Test func textsBecomeValues() throws {
        for (name, text, expected) in Self.texts {
            let found = try value(name, text)
            #expect(found == expected, "\(name)=\(text)")
        }
    }

    @Test func whatIsNotGivenIsEmpty() throws {
        let values = try Self.fields.values(fromText: Self.required)
        #expect(values[0] == .integer(0))
        #expect(values[7] == .bytes([UInt8](repeating: 0, count: 16)))
        #expect(values[9] == .list([.integer(0), .integer(0)]))
        #expect(values[10] == .bytes([]))
    }

    @Test(arguments: [
        ("nmber", "1", "there is no field 'nmber' (did you mean 'number'?)"),
        ("number", "ten", "field 'number': 'ten' does not fit; it takes an integer"),
        ("state", "opn", "field 'state': 'opn' does not fit; it takes an integer or a name of closed, open"),
        ("flags", "read|run", "it takes an integer or names of read, write, both"),
        ("at", "noon", "field 'at': 'noon' does not fit; it takes seconds since 1970, such as 1700000000.5"),
        ("at", "1.0000000001", "does not fit"), ("target", "257", "it takes a key, such as '257 INODE_ITEM 0'"),
        ("digits", "abc", "it takes hexadecimal digits in pairs, or text in quotes"),
        ("id", "0102", "it takes a UUID"), ("pair", "[1]", "it is a list, and takes an object with x, y"),
        ("pair", "{\"z\": 1}", "field 'pair': there is no field 'z'"),
        ("pair", "{\"x\": \"a\"}", "field 'pair': field 'x': 'a' does not fit"),
        ("pair", "{\"x\": 1, \"x\": 2}", "'x' is there twice"), ("list", "[1, \"b\"]", "field 'list': element 2: 'b'"),
        ("list", "[1,]", "no JSON: a value is missing at byte 3"), ("list", "[1, 2", "']' is missing"),
        ("list", "[1, 2] 3", "something after the value"), ("list", "[01x, 2]", "no JSON"),
        ("list", String(repeating: "[", count: 100), "nested too deeply"), ("pair", "{\"x", "a quote is missing"),
        ("pair", "{\"\\ud800\": 1}", "half a character"),
    ])
    func whatDoesNotFit(_ name: String, _ text: String, _ problem: String) throws {
        let error = try #require(throws: FieldError.self) {
            try Self.fields.values(fromText: Self.required.merging([name: text]) { $1 })
        }
        #expect(error.description.contains(problem), "\(error)")
    }
}
