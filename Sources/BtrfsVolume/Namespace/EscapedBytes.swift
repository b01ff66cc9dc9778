internal import BtrfsFormat

/// Bytes as text that can be read back: `%XX` stands for a byte that is not printable ASCII, and for `%`.
public enum EscapedBytes {
    /// - Complexity: O(bytes).
    public static func text(_ bytes: [UInt8]) -> String { String(decoding: escaped(bytes), as: UTF8.self) }

    static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        append(bytes.rawSpan, to: &result)
        return result
    }

    static func append(_ bytes: RawSpan, to result: inout [UInt8]) {
        for offset in bytes.byteOffsets {
            guard let byte = try? bytes.u8(at: offset) else { return }
            if byte >= 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                result.append(hexDigits[Int(byte >> 4)])
                result.append(hexDigits[Int(byte & 15)])
            }
        }
    }

    private static let hexDigits = Array("0123456789ABCDEF".utf8)
}
