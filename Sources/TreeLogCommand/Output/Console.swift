internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume

/// Standard output, with a buffer, and standard error.
final class Console {
    private var buffer: [UInt8] = []
    private static let bufferSize = 1 << 16
    /// Whether nobody reads standard output any more; what is written then goes nowhere.
    private(set) var isClosed = false
    private var statusLength = 0

    deinit { flush() }

    /// How wide a line may be; nil where standard output is no terminal.
    var columnCount: Int? { StandardStream.output.columnCount }

    func write(_ text: String) {
        buffer += text.utf8
        if buffer.count >= Self.bufferSize { flush() }
    }

    func write(_ bytes: RawSpan) {
        flush()
        if !isClosed, !StandardStream.output.write(bytes) { isClosed = true }
    }

    func line(_ text: String = "") {
        write(Self.printable(text))
        write("\n")
    }

    /// Text in which control characters are `%XX`, but for tabs and ends of lines: what scripts say must not steer
    /// a terminal.
    private static func printable(_ text: String) -> String {
        func isControl(_ character: Unicode.Scalar) -> Bool {
            character.properties.generalCategory == .control && character != "\n" && character != "\t"
        }
        // All of them have a byte of these: those above ASCII begin with 0xc2.
        guard text.utf8.contains(where: { $0 < 0x20 && $0 != 0x0a || $0 == 0x7f || $0 == 0xc2 }) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, character in
            if isControl(character) {
                result += EscapedBytes.text(Array(String(character).utf8))
            } else {
                result.unicodeScalars.append(character)
            }
        }
    }

    func flush() {
        if !buffer.isEmpty, !isClosed, !StandardStream.output.write(buffer.rawSpan) { isClosed = true }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Says on standard error what is wrong.
    func complain(_ text: String) {
        clearStatus()
        flush()
        _ = StandardStream.error.write(Array("treelog: \(Self.printable(text))\n".utf8).rawSpan)
    }

    // MARK: Status line

    /// Whether somebody sees a status line.
    var showsStatus: Bool { StandardStream.error.isTerminal }
    var statusColumnCount: Int { (StandardStream.error.columnCount ?? 80) - 1 }

    /// Shows a line on the terminal in place of the one before.
    func showStatus(_ text: String) {
        let padding = String(repeating: " ", count: max(0, statusLength - text.count))
        _ = StandardStream.error.write(Array("\r\(text)\(padding)".utf8).rawSpan)
        statusLength = text.count
    }

    func clearStatus() {
        guard statusLength > 0 else { return }
        showStatus("")
        _ = StandardStream.error.write(Array("\r".utf8).rawSpan)
    }
}

/// Lets what produces bytes write to standard output, and stops it when nobody reads any more.
struct ConsoleSink: ByteSink {
    let console: Console

    mutating func write(_ bytes: RawSpan) throws(VolumeError) {
        console.write(bytes)
        if console.isClosed { throw .refused("standard output is closed") }
    }
}
