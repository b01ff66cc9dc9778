/// One operation on the files of a volume, to be done by Linux and by others. Paths begin with `/`, the root of the volume.
public enum FileOperation: Sendable, Equatable {
    case create(String)
    case makeDirectory(String)
    case makeSymlink(String, to: String)
    case link(String, to: String)
    case unlink(String)
    case removeDirectory(String)
    case rename(String, to: String, exchange: Bool = false)
    case write(String, at: UInt64, [UInt8])
    case truncate(String, to: UInt64)
    case allocate(String, at: UInt64, count: UInt64, keepSize: Bool)
    case punchHole(String, at: UInt64, count: UInt64)
    case zeroRange(String, at: UInt64, count: UInt64)
    case clone(String, range: Range<UInt64>, to: String, at: UInt64)
    case changeMode(String, UInt32)
    case setXattr(String, name: String, [UInt8])
    case removeXattr(String, name: String)
    case fsync(String)
    case fdatasync(String)
    /// A commit of the whole volume.
    case sync
}

extension FileOperation: CustomStringConvertible {
    public var description: String {
        switch self {
        case .create(let path): "create \(path)"
        case .makeDirectory(let path): "mkdir \(path)"
        case .makeSymlink(let path, let target): "symlink \(path) to \(target)"
        case .link(let old, let new): "link \(old) \(new)"
        case .unlink(let path): "unlink \(path)"
        case .removeDirectory(let path): "rmdir \(path)"
        case .rename(let old, let new, let exchange): "\(exchange ? "exchange" : "rename") \(old) \(new)"
        case .write(let path, let offset, let bytes): "write \(path) at \(offset) \(bytes.count) times \(bytes.first ?? 0)"
        case .truncate(let path, let size): "truncate \(path) \(size)"
        case .allocate(let path, let offset, let count, let keepSize):
            "allocate \(path) at \(offset) \(count)\(keepSize ? " keeping the size" : "")"
        case .punchHole(let path, let offset, let count): "punch \(path) at \(offset) \(count)"
        case .zeroRange(let path, let offset, let count): "zero \(path) at \(offset) \(count)"
        case .clone(let source, let range, let target, let offset): "clone \(source) \(range) to \(target) at \(offset)"
        case .changeMode(let path, let mode): "chmod \(path) \(String(mode, radix: 8))"
        case .setXattr(let path, let name, let value): "setxattr \(path) \(name) \(value.count) bytes"
        case .removeXattr(let path, let name): "removexattr \(path) \(name)"
        case .fsync(let path): "fsync \(path)"
        case .fdatasync(let path): "fdatasync \(path)"
        case .sync: "sync"
        }
    }
}
