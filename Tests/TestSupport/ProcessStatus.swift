internal import Foundation

/// What the system says of this process.
public enum ProcessStatus {
    /// The most memory that was in use so far, in bytes; 0 where it cannot be told.
    public static var peakByteCount: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return 0 }
        return (Int(line.filter(\.isNumber)) ?? 0) * 1024
    }

    /// Makes `text` the content of a file, so that it is known after this process has ended.
    public static func leave(_ text: String, at path: String) {
        try? Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    /// Writes a line to standard output at once, so that it is there whatever happens next.
    public static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
