/// Bytes as text.
public enum EscapedBytes {
    /// Text that can be read back: `%XX` stands for a byte that is not printable ASCII, and for `%`.
    ///
    /// - Complexity: O(bytes).
    public static func text(_ bytes: [UInt8]) -> String { String(decoding: escaped(bytes), as: UTF8.self) }

    /// The characters of `text(_:)`.
    public static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for byte in bytes {
            if byte >= 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                result.append(digits[Int(byte >> 4)])
                result.append(digits[Int(byte & 15)])
            }
        }
        return result
    }

    /// The bytes as pairs of hexadecimal digits.
    public static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
