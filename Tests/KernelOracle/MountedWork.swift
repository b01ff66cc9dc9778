internal import CKernelOracle
internal import Glibc

/// Operations on the files of a mounted volume, by system calls.
public struct MountedWork {
    private let mountPoint: String

    public init(mountPoint: String) { self.mountPoint = mountPoint }

    /// Does one operation.
    ///
    /// - Returns: the name of the error, such as `ENOENT`; nil when it was done.
    public func perform(_ operation: FileOperation) -> String? {
        guard call(operation) != 0 else { return nil }
        let error = errno
        guard let name = unsafe oracle_error_name(error) else { return "error \(error)" }
        return unsafe String(cString: name)
    }

    private func at(_ path: String) -> String { mountPoint + path }

    /// - Returns: 0, or another number and the error in `errno`.
    private func call(_ operation: FileOperation) -> Int32 {
        switch operation {
        case .create(let path):
            let file = unsafe open(at(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            return file < 0 ? file : close(file)
        case .makeDirectory(let path): return unsafe mkdir(at(path), 0o755)
        case .makeSymlink(let path, let target): return unsafe symlink(target, at(path))
        case .link(let old, let new): return unsafe Glibc.link(at(old), at(new))
        case .unlink(let path): return unsafe Glibc.unlink(at(path))
        case .removeDirectory(let path): return unsafe rmdir(at(path))
        case .rename(let old, let new, let exchange):
            return unsafe oracle_rename(at(old), at(new), exchange ? 2 : 0)
        case .truncate(let path, let size): return unsafe Glibc.truncate(at(path), Int(size))
        case .changeMode(let path, let mode): return unsafe chmod(at(path), mode)
        case .setXattr(let path, let name, let value):
            return unsafe setxattr(at(path), name, value, value.count, 0)
        case .removeXattr(let path, let name): return unsafe removexattr(at(path), name)
        default: return callOnFile(operation)
        }
    }

    /// What needs an open file.
    private func callOnFile(_ operation: FileOperation) -> Int32 {
        switch operation {
        case .write(let path, let offset, let bytes):
            return withFile(path, O_WRONLY) { file in
                unsafe pwrite(file, bytes, bytes.count, off_t(offset)) == bytes.count ? 0 : -1
            }
        case .allocate(let path, let offset, let count, let keepSize):
            return allocate(path, keepSize ? FALLOC_FL_KEEP_SIZE : 0, offset, count)
        case .punchHole(let path, let offset, let count):
            return allocate(path, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count)
        case .zeroRange(let path, let offset, let count): return allocate(path, FALLOC_FL_ZERO_RANGE, offset, count)
        case .clone(let source, let range, let target, let offset):
            return withFile(source, O_RDONLY) { source in
                withFile(target, O_WRONLY) { target in
                    oracle_clone(source, range.lowerBound, UInt64(range.count), target, offset)
                }
            }
        case .fsync(let path): return withFile(path, O_RDONLY) { Glibc.fsync($0) }
        case .fdatasync(let path): return withFile(path, O_RDONLY) { Glibc.fdatasync($0) }
        case .sync: return withFile("/", O_RDONLY) { oracle_sync_filesystem($0) }
        default: preconditionFailure("\(operation) needs no open file")
        }
    }

    private func allocate(_ path: String, _ mode: Int32, _ offset: UInt64, _ count: UInt64) -> Int32 {
        withFile(path, O_RDWR) { oracle_fallocate($0, mode, Int64(offset), Int64(count)) }
    }

    private func withFile(_ path: String, _ flags: Int32, _ body: (Int32) -> Int32) -> Int32 {
        let file = unsafe open(at(path), flags | O_CLOEXEC)
        guard file >= 0 else { return file }
        let result = body(file)
        let error = errno
        close(file)
        errno = error
        return result
    }
}

extension HostKernel {
    /// The bytes of an image without its holes. It may be in use: so a power failure would leave it.
    public static func populatedBytes(of image: String) throws(OracleError) -> [(offset: UInt64, bytes: [UInt8])] {
        let file = try OpenFile(path: image)
        var result: [(offset: UInt64, bytes: [UInt8])] = []
        for segment in try file.dataSegments(size: Int64(try file.status().size)) {
            let bytes = try file.bytes(at: segment.start, count: Int(segment.end - segment.start))
            result.append((UInt64(segment.start), bytes))
        }
        return result
    }
}
