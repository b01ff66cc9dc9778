import KernelOracle
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

    private mutating func name() -> String { ["a", "b", "c", "sub"][below(4)] }

    private mutating func path() -> String { ["", "/d", "/e", "/d/sub"][below(4)] + "/" + name() }

    private mutating func bytes() -> [UInt8] { [UInt8](repeating: UInt8(below(255) + 1), count: below(9000) + 1) }

    /// The next operation. It may be impossible.
    mutating func next() -> FileOperation {
        let path = path()
        // Moves to other directories mostly end in commits, and those in no test of logs.
        let other = below(8) == 0 ? self.path() : path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/" + name()
        let position = UInt64(below(12)) * 3000
        let count = UInt64(below(9000) + 1)
        switch below(24) {
        case 0, 1: return .create(path)
        case 2: return .makeDirectory(path)
        case 3, 4, 5: return .write(path, at: position, bytes())
        case 6: return .truncate(path, to: position)
        case 7: return .link(path, to: other)
        case 8, 9: return .unlink(path)
        case 10: return .removeDirectory(path)
        case 11, 12: return .rename(path, to: other)
        case 13: return .rename(path, to: other, exchange: true)
        case 14: return .makeSymlink(path, to: name())
        case 15: return .setXattr(path, name: "user.\(name())", Array(bytes().prefix(20)))
        case 16: return .removeXattr(path, name: "user.\(name())")
        case 17: return .punchHole(path, at: position, count: count)
        case 18: return .changeMode(path, 0o600 + UInt32(below(8)))
        case 19:
            switch below(3) {
            case 0: return .zeroRange(path, at: position, count: count)
            case 1: return .allocate(path, at: position, count: count, keepSize: below(2) == 0)
            default:
                let first = UInt64(below(3)) * 4096
                return .clone(path, range: first..<first + UInt64(below(3) + 1) * 4096, to: other, at: UInt64(below(6)) * 4096)
            }
        default: return .fsync(path)
        }
    }

    /// Makes one operation; one that is not possible does nothing.
    mutating func step(on fs: FileSystem) {
        let operation = next()
        trace.append("\(operation)")
        do throws(FileSystemError) {
            guard let outcome = try operation.perform(on: fs) else { return }
            outcomes.append(outcome)
            trace.append("  \(outcome)")
        } catch {
            trace[trace.count - 1] += " (\(error.code.rawValue))"
        }
    }
}

extension FileOperation {
    /// Does the operation on a volume.
    ///
    /// - Returns: what an fsync did; nil for all others.
    func perform(on fs: FileSystem) throws(FileSystemError) -> SyncOutcome? {
        switch self {
        case .create(let path): _ = try fs.create(path)
        case .makeDirectory(let path): _ = try fs.makeDirectory(path)
        case .makeSymlink(let path, let target): _ = try fs.makeSymlink(path, to: target)
        case .link(let old, let new): try fs.link(old, to: new)
        case .unlink(let path): try fs.unlink(path)
        case .removeDirectory(let path): try fs.removeDirectory(path)
        case .rename(let old, let new, let exchange): try fs.rename(old, to: new, exchange ? .exchange : [])
        case .write(let path, let offset, let bytes): try fs.write(path, at: offset, bytes)
        case .truncate(let path, let size): try fs.truncate(path, to: size)
        case .allocate(let path, let offset, let count, let keepSize):
            try fs.allocate(path, at: offset, count: count, keepSize: keepSize)
        case .punchHole(let path, let offset, let count): try fs.punchHole(path, at: offset, count: count)
        case .zeroRange(let path, let offset, let count): try fs.zeroRange(path, at: offset, count: count)
        case .clone(let source, let range, let target, let offset):
            try fs.clone(from: source, range: range, to: target, at: offset)
        case .changeMode(let path, let mode): try fs.changeMode(path, to: mode)
        case .setXattr(let path, let name, let value): try fs.setXattr(path, name, value)
        case .removeXattr(let path, let name): try fs.removeXattr(path, name)
        case .fsync(let path): return try fs.fsync(path)
        case .fdatasync(let path): return try fs.fdatasync(path)
        case .sync: try fs.sync()
        }
        return nil
    }
}
