import LuaRuntime
import Testing

/// A view shows the bytes of its call, and nothing outside of them or after it.
@Suite struct ViewTests {
    let machine: LuaVM
    let item: LuaView
    let other: LuaView
    let bytes: [UInt8] = [0x80, 0xff, 3, 4, 5, 6, 7, 0x88, 9]

    init() throws {
        machine = try LuaVM()
        let itemClass = try machine.makeViewClass(
            "item",
            fields: [
                "low": .unsigned(at: 0, width: 1), "signed": .signed(at: 0, width: 1),
                "pair": .unsigned(at: 0, width: 2), "signed_pair": .signed(at: 0, width: 2),
                "three": .unsigned(at: 0, width: 3), "all": .unsigned(at: 0, width: 8),
                "last": .unsigned(at: 8, width: 1), "outside": .unsigned(at: 8, width: 2), "size": .byteCount,
                "objectid": .header(0), "offset": .header(2), "name": .bytes(at: 2, count: 3),
                "rest": .tail(at: 7), "sum": .computed(7), "beyond": .tail(at: 10),
            ],
            methods: [
                "plus": { arguments in
                    let bytes = try arguments.viewBytes(0)
                    return .integer(Int64(bytes.byteCount) + (try arguments.integer(1)))
                },
                "self": { .view(try $0.view(0)) },
            ],
            getter: { arguments, field in
                guard let field else { throw Failure(number: try arguments.text(1).utf8.count) }
                return .integer(Int64(field) + (try arguments.viewInteger(0, 3)))
            })
        item = try machine.makeView(itemClass)
        other = try machine.makeView(itemClass)
    }

    func read(_ expression: String) throws -> LuaValue {
        let function = try machine.function("return function(item) return \(expression) end")
        return try machine.call(function, .view(item, over: bytes.rawSpan, integers: [256, 84, -6, 35]))
    }

    @Test func fieldsAreTheSameWhenTheyAreReadAgain() throws {
        let names = "'low', 'signed', 'pair', 'signed_pair', 'three', 'all', 'last', 'size', 'objectid', 'sum', 'name', 'rest'"
        let read = try machine.function(
            """
            return function(item)
              local text = ''
              for _, name in ipairs { \(names) } do text = text .. tostring(item[name]) .. ' ' end
              return text
            end
            """)
        var texts: [LuaValue] = []
        for count in [9, 8, 9, 9] {
            let part = RawSpan(_elements: bytes.span).extracting(first: count)
            if count == 8 {
                #expect(throws: LuaError.self) {
                    try machine.call(read, .view(item, over: part, integers: [256, 84, -6, 35]))
                }
            } else {
                texts.append(try machine.call(read, .view(item, over: part, integers: [256, 84, -6, 35])))
            }
        }
        #expect(Set(texts.map(\.text)).count == 1)
        #expect(texts[0].text?.hasPrefix("128 -128 65408 -128 262016 -86") == true, "\(texts[0])")
    }

    @Test func fields() throws {
        #expect(try read("item.low") == .integer(0x80))
        #expect(try read("item.signed") == .integer(-128))
        #expect(try read("item.pair") == .integer(0xff80))
        #expect(try read("item.signed_pair") == .integer(-128))
        #expect(try read("item.three") == .integer(0x03ff80))
        #expect(try read("item.all") == .integer(Int64(bitPattern: 0x8807_0605_0403_ff80)))
        #expect(try read("item.last") == .integer(9))
        #expect(try read("item.size") == .integer(9))
        #expect(try read("item.objectid + item.offset") == .integer(250))
        #expect(try read("item.name") == .string([3, 4, 5]))
        #expect(try read("item.rest") == .string([0x88, 9]))
        #expect(try read("item.sum") == .integer(42))
        #expect(try read("item:plus(2)") == .integer(11))
        #expect(try read("item:self() == item and item:self()") == .view(item))
        #expect(try read("tostring(item)") == .text("item"))
        #expect(try read("type(item)") == .text("userdata"))
    }

    @Test func readers() throws {
        #expect(try read("item:u8(8)") == .integer(9))
        #expect(try read("item:i16(0)") == .integer(-128))
        #expect(try read("item:u32(1)") == .integer(0x0504_03ff))
        #expect(try read("item:i64(0)") == .integer(Int64(bitPattern: 0x8807_0605_0403_ff80)))
        #expect(try read("item:bytes()") == .string(bytes))
        #expect(try read("item:bytes(7)") == .string([0x88, 9]))
        #expect(try read("item:bytes(2, 2)") == .string([3, 4]))
        #expect(try read("item:bytes(9)") == .string([]))
    }

    @Test(arguments: [
        ("item.outside", "bytes 8 to 10 lie outside the item of 9 bytes"),
        ("item.beyond", "bytes 10 to 10 lie outside the item of 9 bytes"),
        ("item:u64(2)", "bytes 2 to 10 lie outside"), ("item:u8(math.maxinteger)", "lie outside"),
        ("item:u8(-1)", "an offset is not negative"), ("item:bytes(0, 10)", "lie outside"),
        ("item:bytes(3, -1)", "a count is not negative"), ("item:bytes(10)", "lie outside"),
        ("item.u8({}, 1)", "item expected, got table"), ("item.plus({}, 1)", "item expected, got table"),
        ("item.plus(nil, 1)", "item expected, got nil"), ("item[1]", "an item has no field of type number"),
        ("getmetatable(item).__index", "attempt to index a boolean value"),
        ("setmetatable(item, {})", "table expected"), ("rawset(item, 1, 1)", "table expected"),
        ("#item", "attempt to get length"), ("next(item)", "table expected"),
        ("pairs(item)", "table expected"), ("item .. ''", "attempt to concatenate"),
    ])
    func isRefused(_ expression: String, _ reason: String) throws {
        let error = try #require(throws: LuaError.self) { try read(expression) }
        #expect(error.kind == .runtime)
        #expect(error.message.contains(reason), "\(error)")
    }

    @Test func unknownNamesAndWrites() throws {
        let error = try #require(throws: LuaError.self) { try read("item.siez") }
        #expect(error.underlying as? Failure == Failure(number: 4))
        let plain = try machine.makeView(try machine.makeViewClass("plain", fields: ["size": .byteCount]))
        let readPlain = try machine.function("return function(item) return item.siez end")
        let unknown = try #require(throws: LuaError.self) { try machine.call(readPlain, .view(plain)) }
        #expect(unknown.message == "test.lua:1: an item has no field 'siez' (did you mean 'size'?)")
        let write = try machine.function("return function(item) item.size = 1 end")
        let refused = try #require(throws: LuaError.self) { try machine.call(write, .view(plain)) }
        #expect(refused.message == "test.lua:1: 'plain' cannot be changed")
    }

    @Test func expiresWithItsCall() throws {
        let table = try #require(try machine.run("""
            local kept, plus
            return {
              keep = function(item) kept = item plus = item.plus end,
              field = function() return kept.low end,
              reader = function() return kept:u8(0) end,
              method = function() return plus(kept, 1) end,
              passed = function() return (function(item) return item.sum end)(kept) end,
            }
            """).table)
        let keep = try #require(table["keep"]?.function)
        _ = try machine.call(keep, .view(item, over: bytes.rawSpan))
        for (place, name) in ["field", "reader", "method", "passed"].enumerated() {
            let use = try #require(table[name]?.function)
            let error = try #require(throws: LuaError.self) { try machine.call(use) }
            #expect(error.message == "test.lua:\(place + 4): item view used after its callback returned")
        }
    }

    @Test func expiresAfterAnErrorToo() throws {
        let fail = try machine.function("return function(item) error(item) end")
        let error = try #require(throws: LuaError.self) {
            try machine.call(fail, .view(item, over: bytes.rawSpan))
        }
        #expect(error.message == "an error that is no text: item")
        let kept = try machine.function(
            "return function(item) return pcall(function() return item.low end) end")
        #expect(try machine.callMany(kept, [.view(item)]).first == .boolean(false))
    }

    @Test func boundAgainWithinItsCall() throws {
        let inner = try machine.function("return function(a, b) return a.low * 1000 + b.low end")
        let item = item
        let other = other
        try machine.define("inner") { arguments in
            let small: [UInt8] = [7]
            return try arguments.machine.call(
                inner, .view(item, over: small.rawSpan), .view(other, over: small.rawSpan))
        }
        let outer = try machine.function("""
            return function(item)
              local before = item.low
              local between = inner()
              return before .. ' ' .. between .. ' ' .. item.low
            end
            """)
        #expect(try machine.call(outer, .view(item, over: bytes.rawSpan)) == .text("128 7007 128"))
    }

    @Test func tooManyAtOnce() throws {
        let item = item
        var deepest = 0
        try machine.define("deeper") { arguments in
            deepest += 1
            let step = try arguments.function(0)
            let machine = arguments.machine
            return try machine.call(step, .view(item), .view(item), .view(item), .view(item))
        }
        let error = try failure(of: "local function f() return deeper(f) end return f()", in: machine)
        #expect(error.message.contains("too many views"))
        #expect(deepest == 5)
        #expect(try read("item.low") == .integer(0x80))
    }
}
