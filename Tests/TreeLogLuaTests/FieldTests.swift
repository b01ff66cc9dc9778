import BtrfsFormat
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// One table of fields decodes, encodes, checks and shows an item: the bytes of any item come out again, a damaged
/// item is never taken, and scripts see the same values as Swift.
@Suite struct FieldTests {
    static let everything = """
        parts.items = { treelog.item_type {
          name = "ALL", kind = 97, fields = {
            u8 "a", i8 "b", u16 "c", i16 "d", u32 "e" { format = "hex" }, i32 "f", u64 "g", i64 "h" { format = "time" },
            u16 "mode" { format = "octal" },
            u32 "flags" { flags = true, names = { [1] = "SEALED", [4] = "PARTIAL" } },
            u8 "state" { names = { [0] = "NEW", [1] = "OLD" } },
            time "when_made", key "target", bytes "id" { count = 16, format = "uuid" },
            array "pair" { of = "u16", count = 2 },
            struct "place" { fields = { u32 "row", u8 "label_len", bytes "label" { count = "label_len",
                format = "text" } } },
            u8 "n", array "list" { of = "i32", count = "n" },
            u16 "m", array "records" { of = { u8 "x", u8 "len", bytes "y" { count = "len" } }, count = "m" },
            bytes "rest",
          },
          describe = function(item)
            local t = item:decode()
            for _, name in ipairs { "a", "b", "c", "d", "e", "f", "g", "h", "id", "rest", "n", "m", "mode", "state" } do
              assert(t[name] == item[name], name)
            end
            assert(#t.list == #item.list)
            assert(t.target.kind == item.target.kind and t.when_made.seconds == item.when_made.seconds)
            assert(t.place.label == item.place.label and item.n == #item.list and item.m == #item.records)
            assert(item:bytes() == parts.items[1]:encode(t))
            local again = parts.items[1]:decode(item:bytes())
            assert(again.g == t.g and again.rest == t.rest)
            t.n, t.m, t.place.label_len = nil, nil, nil
            assert(item:bytes() == parts.items[1]:encode(t))
            return "same"
          end,
        } }
        """

    @Test func randomItemsComeOutAgain() throws {
        let type = try plugin(parts: Self.everything).itemTypes[0]
        let fields = try #require(type.fields)
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            let bytes = fields.randomBytes(using: &generator)
            #expect(bytes.count >= fields.minimumByteCount)
            let values = try fields.decode(bytes.rawSpan)
            #expect(try fields.encode(values) == bytes)
            let text = type.describe(Key(ObjectID(257), KeyType(97), 0), bytes.rawSpan)
            #expect(text == "same")
            for index in fields.fields.indices {
                let value = try fields.value(at: index, of: bytes.rawSpan)
                #expect(value == values[index])
            }
        }
    }

    @Test func damagedItemsAreNeverTaken() throws {
        let fields = try #require(try plugin(parts: Self.everything).itemTypes[0].fields)
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<300 {
            var bytes = fields.randomBytes(using: &generator)
            bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            if let values = try? fields.decode(bytes.rawSpan) { #expect(try fields.encode(values) == bytes) }
            for index in bytes.indices { bytes[index] = UInt8.random(in: 0 ... .max, using: &generator) }
            if let values = try? fields.decode(bytes.rawSpan) { #expect(try fields.encode(values) == bytes) }
        }
        let ones = [UInt8](repeating: 255, count: 120)
        #expect(throws: FormatError.self) { try fields.check(ones.rawSpan) }
    }

    @Test func itemsAreShownByTheirFields() throws {
        let plugin = try plugin(
            parts: """
                parts.items = { treelog.item_type { name = "S", kind = 98, fields = {
                  u32 "flags" { flags = true, names = { [1] = "SEALED", [4] = "PARTIAL" } },
                  u8 "state" { names = { [1] = "OLD" } }, u8 "mode" { format = "octal" }, u16 "e" { format = "hex" },
                  i8 "d", u8 "len", bytes "name" { count = "len", format = "text" },
                } } }
                """)
        let type = plugin.itemTypes[0]
        let key = Key(ObjectID(257), KeyType(98), 0)
        let bytes: [UInt8] = [13, 0, 0, 0, 1, 8, 0xff, 1, 0xff, 2, 104, 105]
        let text = type.describe(key, bytes.rawSpan)
        #expect(text == "flags SEALED|PARTIAL|0x8 state OLD mode 0o10 e 0x1ff d -1 len 2 name hi")
        let record = type.record(key, bytes.rawSpan)
        #expect(record?["name"] == .name([104, 105]))
        #expect(type.fields?.layout(named: "S").byteCount == 10)
        let short: [UInt8] = Array(bytes.dropLast())
        let damaged = type.describe(key, short.rawSpan)
        #expect(damaged.contains("field 'name' ends beyond the 11 bytes of the item"))
        #expect(throws: LogError.self) { try type.validate(key, short.rawSpan) }
    }

    @Test(arguments: [
        ("{ a = 256, n = 'x' }", "field 'a': 256 is not within 0 to 2^8-1"),
        ("{ a = -1, n = 'x' }", "field 'a': -1 is not within 0 to 2^8-1"), ("{ a = 1 }", "field 'n' is missing"),
        ("{ a = 1, n = 5 }", "field 'n': string expected, got number"),
        ("{ a = 1, n = 'x', m = 1 }", "there is no field 'm' (did you mean 'a'?)"),
        ("{ a = 1.5, n = 'x' }", "field 'a': integer expected, got number"),
        ("5", "encode needs a table of values"), ("{ a = 1, n = ('x'):rep(256) }", "field 'len': 256 is not within"),
    ])
    func whatDoesNotFitIsAnError(_ values: String, _ problem: String) throws {
        let type = try plugin(
            parts: """
                local t
                t = treelog.item_type { name = "T", kind = 97, fields = { u8 "a", u8 "len",
                    bytes "n" { count = "len" } },
                  describe = function() return t:encode(\(values)) end }
                parts.items = { t }
                """
        ).itemTypes[0]
        let item: [UInt8] = [1, 0]
        let text = type.describe(Key(ObjectID(1), KeyType(97), 0), item.rawSpan)
        #expect(text.contains(problem), "\(text)")
    }
}
