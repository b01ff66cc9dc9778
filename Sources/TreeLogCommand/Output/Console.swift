internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume

/// Standard output, with a buffer, and standard error.
final class Console {
    private var buffer: [UInt8] = []
    private static let bufferSize = 1 << 16
    /// Why standard output takes no more; what is written then goes nowhere.
    private(set) var outputError: DeviceError?
    var isClosed: Bool { outputError != nil }
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
        pass(bytes)
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
        pass(buffer.rawSpan)
        buffer.removeAll(keepingCapacity: true)
    }

    private func pass(_ bytes: RawSpan) {
        guard !isClosed else { return }
        do throws(DeviceError) { try StandardStream.output.write(bytes) } catch { outputError = error }
    }

    /// Says on standard error what is wrong.
    func complain(_ text: String) {
        clearStatus()
        flush()
        writeStatus("treelog: \(Self.printable(text))\n")
    }

    // MARK: Status line

    /// Whether somebody sees a status line.
    var showsStatus: Bool { StandardStream.error.isTerminal }
    var statusColumnCount: Int { (StandardStream.error.columnCount ?? 80) - 1 }

    /// Shows a line on the terminal in place of the one before.
    func showStatus(_ text: String) {
        let padding = String(repeating: " ", count: max(0, statusLength - text.count))
        writeStatus("\r\(text)\(padding)")
        statusLength = text.count
    }

    func clearStatus() {
        guard statusLength > 0 else { return }
        showStatus("")
        writeStatus("\r")
    }

    /// There is no place to say that standard error takes nothing.
    private func writeStatus(_ text: String) {
        let bytes = Array(text.utf8)
        try? StandardStream.error.write(bytes.rawSpan)
    }
}

/// Lets what produces bytes write to standard output, and stops it when that takes no more.
struct ConsoleSink: ByteSink {
    let console: Console

    mutating func write(_ bytes: RawSpan) throws(VolumeError) {
        console.write(bytes)
        if let error = console.outputError { throw .device(error) }
    }
}
