private let hexDigits = Array("0123456789abcdef".utf8)
private let upperHexDigits = Array("0123456789ABCDEF".utf8)

/// Lower case hex, two digits a byte.
func hex(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        text.append(hexDigits[Int(byte >> 4)])
        text.append(hexDigits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// A name as state documents have it: `%XX` for each byte that is not printable ASCII,
/// and for `%` itself.
func escaped(_ name: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(name.count)
    for byte in name {
        if byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "%") {
            text.append(byte)
        } else {
            text.append(UInt8(ascii: "%"))
            text.append(upperHexDigits[Int(byte >> 4)])
            text.append(upperHexDigits[Int(byte & 15)])
        }
    }
    return String(decoding: text, as: UTF8.self)
}
