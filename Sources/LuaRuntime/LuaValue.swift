/// A value of Lua. Tables are read whole, with all tables in them.
public enum LuaValue: Equatable {
    /// No value.
    case `nil`
    /// True or false.
    case boolean(Bool)
    /// Also an unsigned 64-bit number, by its bits.
    case integer(Int64)
    /// A number with a fraction, or too large for an integer.
    case number(Double)
    /// Any bytes.
    case string([UInt8])
    /// A function of a script, by reference.
    case function(LuaReference)
    /// A table, copied.
    case table(LuaTable)
    /// A view of bytes or of something of the program.
    case view(LuaView)

    /// A string, from text.
    public static func text(_ text: String) -> LuaValue { .string([UInt8](text.utf8)) }

    /// A string as text; bytes that are no UTF-8 are replaced. Nil for all other values.
    public var text: String? {
        if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
    }
    /// An integer; nil for all other values, also for a number that is whole.
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    /// A boolean; nil for all other values.
    public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
    /// A function; nil for all other values.
    public var function: LuaReference? { if case .function(let value) = self { value } else { nil } }
    /// A table; nil for all other values.
    public var table: LuaTable? { if case .table(let value) = self { value } else { nil } }

    /// As Lua's `type` has it; "item" for a view.
    public var typeName: String {
        switch self {
        case .nil: "nil"
        case .boolean: "boolean"
        case .integer, .number: "number"
        case .string: "string"
        case .function: "function"
        case .table: "table"
        case .view: "item"
        }
    }
}

/// A table of Lua as it was when it was read, or one to be made.
public struct LuaTable: Equatable {
    /// A key of a table, with its value.
    public struct Entry: Equatable {
        /// Never nil in a table that was read.
        public let key: LuaValue
        /// What the table has under the key.
        public let value: LuaValue

        /// An entry of a table that is to be made.
        public init(_ key: LuaValue, _ value: LuaValue) {
            self.key = key
            self.value = value
        }
    }

    /// In the order in which scripts iterate: numbers, strings by their bytes, false and true.
    public let entries: [Entry]
    /// The table itself, to pass it to Lua again; nil for a table made by Swift.
    public let reference: LuaReference?

    init(read entries: [Entry], reference: LuaReference) {
        self.entries = entries.sorted { LuaTable.isOrdered($0.key, $1.key) }
        self.reference = reference
    }

    /// A table to be made. Keys of nil and NaN are errors where it is used.
    public init(_ entries: [Entry] = []) {
        self.entries = entries
        self.reference = nil
    }

    /// A table with the keys 1, 2, 3…
    public init(list: [LuaValue]) {
        self.init(list.enumerated().map { Entry(.integer(Int64($0.offset) + 1), $0.element) })
    }

    /// A table with names as keys.
    public init(fields: [(String, LuaValue)]) {
        self.init(fields.map { Entry(.text($0.0), $0.1) })
    }

    /// The value under a name. - Complexity: O(entries).
    public subscript(_ name: String) -> LuaValue? {
        entries.first { entry in
            if case .string(let bytes) = entry.key { bytes.elementsEqual(name.utf8) } else { false }
        }?.value
    }

    /// The values under 1, 2, 3… up to the first that is missing.
    public var list: [LuaValue] {
        var values: [LuaValue] = []
        var next: Int64 = 1
        for entry in entries {
            guard let key = entry.key.integer, key <= next else { continue }
            guard key == next else { continue }
            values.append(entry.value)
            next += 1
        }
        return values
    }

    /// The keys that are names, in the order of their bytes.
    public var names: [String] { entries.compactMap(\.key.text) }

    private static func isOrdered(_ left: LuaValue, _ right: LuaValue) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right
        case (.number(let left), .number(let right)): left < right
        // A float key is never an integer, so that rounding the integer cannot make them equal by mistake
        // where it matters: below 2^53.
        case (.integer(let left), .number(let right)): Double(left) < right
        case (.number(let left), .integer(let right)): left < Double(right)
        case (.string(let left), .string(let right)): left.lexicographicallyPrecedes(right)
        case (.boolean(let left), .boolean(let right)): !left && right
        default: rank(left) < rank(right)
        }
    }

    private static func rank(_ key: LuaValue) -> Int {
        switch key {
        case .integer, .number: 0
        case .string: 1
        default: 2
        }
    }
}

/// A function or a table of a machine, kept alive for as long as both are there. It does not keep the
/// machine, so that functions given to the machine may hold it.
public final class LuaReference: Equatable {
    @usableFromInline let id: Int32
    @usableFromInline let owner: UInt
    private let release: ReferenceRelease

    init(_ id: Int32, _ host: Host) {
        self.id = id
        self.owner = host.owner
        release = host.release
    }

    deinit { release(id) }

    /// Whether they are the same reference. Two references may lead to one function.
    public static func == (left: LuaReference, right: LuaReference) -> Bool { left === right }
}

/// A closed set of words that a script answers with, recognised without a copy of the string.
public final class LuaWords {
    /// The words, in the order of their places.
    public let words: [String]
    let id: Int32
    let owner: UInt
    private let release: ReferenceRelease

    init(_ words: [String], _ id: Int32, _ host: Host) {
        self.words = words
        self.id = id
        self.owner = host.owner
        release = host.release
    }

    deinit { release(id) }
}

/// What a script answered to a call that lets it choose a word.
public struct LuaChoice {
    /// The place in the words of the first result; nil when it is none of them, or there was no result.
    public let word: Int?
    /// The first result, where it was no word; nil otherwise.
    public let other: LuaValue?
    /// The results after the first.
    public let rest: [LuaValue]

    init(word: Int?, other: LuaValue?, rest: [LuaValue]) {
        self.word = word
        self.other = other
        self.rest = rest
    }

    /// A word and nothing else.
    public init(word: Int) { self.init(word: word, other: nil, rest: []) }
}
