internal import BtrfsFormat
internal import BtrfsVolume

/// Writes JSON to the console as it comes, without holding it in memory.
///
/// Objects and arrays in the outer levels are written over several lines, those further in on one.
final class JSONWriter {
    private let console: Console
    private let expandedDepth: Int
    private var depth = 0
    private var isFirst = true

    /// - Parameter expandedDepth: how many levels have a line for each element; with 0 each document is a line.
    init(_ console: Console, expandedDepth: Int) {
        self.console = console
        self.expandedDepth = expandedDepth
    }

    /// The version of all schemas.
    static let schemaVersion = 1

    /// A whole document; its first field names the schema. It is well-formed also when `body` throws.
    func document(_ schema: String, _ body: () throws -> Void) rethrows {
        isFirst = true
        defer { console.write("\n") }
        try object {
            field("schema", "treelog.\(schema)/\(Self.schemaVersion)")
            try body()
        }
    }

    func object(_ name: String? = nil, _ body: () throws -> Void) rethrows {
        try enclose(name, "{", "}", body)
    }

    func array(_ name: String? = nil, _ body: () throws -> Void) rethrows {
        try enclose(name, "[", "]", body)
    }

    /// A field of an object; null where there is no value.
    func field(_ name: String, _ value: (some JSONScalar)?) {
        begin(name)
        console.write(value?.json ?? "null")
    }

    /// An element of an array.
    func element(_ value: some JSONScalar) {
        begin(nil)
        console.write(value.json)
    }

    /// An array of single values.
    func field(_ name: String, _ values: [some JSONScalar]) {
        begin(name)
        console.write("[" + values.map(\.json).joined(separator: ", ") + "]")
    }

    private func enclose(_ name: String?, _ start: String, _ end: String, _ body: () throws -> Void) rethrows {
        begin(name)
        console.write(start)
        depth += 1
        isFirst = true
        defer {
            depth -= 1
            if !isFirst, depth < expandedDepth { console.write("\n" + indentation) }
            console.write(end)
            isFirst = false
        }
        try body()
    }

    private func begin(_ name: String?) {
        if depth > 0 {
            if depth <= expandedDepth {
                console.write((isFirst ? "\n" : ",\n") + indentation)
            } else if !isFirst {
                console.write(", ")
            }
        }
        isFirst = false
        if let name { console.write(name.json + ": ") }
    }

    private var indentation: String { String(repeating: "  ", count: depth) }
}

/// What stands in JSON by itself.
protocol JSONScalar {
    var json: String { get }
}

extension JSONScalar where Self: BinaryInteger {
    var json: String { String(self) }
}

extension Int: JSONScalar {}
extension UInt8: JSONScalar {}
extension UInt32: JSONScalar {}
extension UInt64: JSONScalar {}
extension Int64: JSONScalar {}

extension Bool: JSONScalar {
    var json: String { self ? "true" : "false" }
}

extension String: JSONScalar {
    var json: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            case _ where scalar.value < 0x20:
                text += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

/// Reserved numbers come as the small negative ones by which they are known.
extension ObjectID: JSONScalar {
    var json: String { description }
}

extension LogicalAddress: JSONScalar {
    var json: String { description }
}

extension BtrfsFormat.UUID: JSONScalar {
    var json: String { description.json }
}

/// `"SECONDS.NANOSECONDS"`.
extension Timestamp: JSONScalar {
    var json: String { description.json }
}

/// Bytes of a name or path: `%XX` stands for what is not printable ASCII, and for `%`.
struct Escaped: JSONScalar {
    let text: String
    init(_ bytes: [UInt8]) { text = EscapedBytes.text(bytes) }
    var json: String { text.json }
}
