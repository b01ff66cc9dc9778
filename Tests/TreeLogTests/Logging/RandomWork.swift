import BtrfsFormat
import TestSupport
import TreeLog

/// Operations chosen by a seed, on few names so that they meet.
struct RandomWork {
    private var generator: SeededGenerator
    /// What was done, for messages.
    private(set) var trace: [String] = []
    /// What the fsyncs in between were.
    private(set) var outcomes: [SyncOutcome] = []

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }

    private mutating func path() -> String {
        let directories = ["", "/d", "/e", "/d/sub"]
        return directories[below(directories.count)] + "/" + ["a", "b", "c", "sub"][below(4)]
    }

    /// Makes one operation; one that is not possible does nothing.
    mutating func step(on fs: FileSystem) {
        let path = path()
        // Moves to other directories mostly end in commits, and those in no test of logs.
        let name = ["a", "b", "c", "sub"][below(4)]
        let other = below(8) == 0 ? self.path() : path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/" + name
        let position = UInt64(below(12)) * 3000
        let bytes = [UInt8](repeating: UInt8(below(255) + 1), count: below(9000) + 1)
        let choice = below(20)
        trace.append("\(choice) \(path) \(other) \(position) \(bytes.count)")
        do {
            switch choice {
            case 0, 1: try fs.create(path)
            case 2: try fs.makeDirectory(path)
            case 3, 4, 5: try fs.write(path, at: position, bytes)
            case 6: try fs.truncate(path, to: position)
            case 7: try fs.link(path, to: other)
            case 8, 9: try fs.unlink(path)
            case 10: try fs.removeDirectory(path)
            case 11, 12: try fs.rename(path, to: other)
            case 13: try fs.rename(path, to: other, .exchange)
            case 14: try fs.makeSymlink(path, to: other)
            case 15: try fs.setXattr(path, "user.\(other.last ?? "x")", Array(bytes.prefix(20)))
            case 16: try fs.removeXattr(path, "user.\(other.last ?? "x")")
            case 17: try fs.punchHole(path, at: position, count: UInt64(bytes.count))
            case 18: try fs.changeMode(path, to: 0o600 + UInt32(below(8)))
            default:
                outcomes.append(try fs.fsync(path))
                trace.append("  fsync: \(outcomes[outcomes.count - 1])")
            }
        } catch {
            trace[trace.count - 1] += " (\(error.code.rawValue))"
        }
    }
}
