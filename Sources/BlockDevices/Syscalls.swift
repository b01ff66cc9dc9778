internal import CISAL
internal import Glibc

// All that this module asks of the system and of C, and the only file of it that says `unsafe`.

/// An `errno` value.
struct SystemError: Error, Equatable, CustomStringConvertible {
    let code: CInt

    static let notADevice = SystemError(code: ENOTBLK)
    static let busy = SystemError(code: EBUSY)
    static let readOnly = SystemError(code: EROFS)
    static let wouldBlock = SystemError(code: EWOULDBLOCK)

    var description: String { unsafe String(cString: strerror(code)) }

    /// Whether the system says that it cannot do this at all, here; another way may work.
    var isUnsupported: Bool {
        [EOPNOTSUPP, ENOTTY, ENOSYS, EXDEV, EINVAL, EPERM, ETXTBSY].contains(code)
    }
}

/// What a path or an open file leads to.
struct FileStatus: Equatable {
    enum Kind { case regular, blockDevice, directory, other }

    /// Which file it is, whatever its name.
    struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    let kind: Kind
    let identity: Identity
    /// The number of the device that a device node stands for.
    let deviceNumber: UInt64
    /// Of a regular file.
    let byteCount: UInt64

    init(path: String) throws(SystemError) {
        var status = stat()
        _ = try calling { unsafe stat(path, &status) }
        self.init(status)
    }

    fileprivate init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFBLK: .blockDevice
            case S_IFDIR: .directory
            default: .other
            }
        identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        deviceNumber = UInt64(status.st_rdev)
        byteCount = UInt64(clamping: status.st_size)
    }
}

/// An open file, closed when it goes.
struct File: ~Copyable {
    enum Mode {
        case read
        case readWrite
        /// As `readWrite`, of a block device that nothing else of the system holds, such as a mount.
        case readWriteExclusive
        /// A new file, for reading and writing; there must be none of the name.
        case create
    }

    private let descriptor: CInt

    init(_ path: String, _ mode: Mode) throws(SystemError) {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .readWriteExclusive: O_RDWR | O_EXCL
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        descriptor = try calling { unsafe open(path, flags | O_CLOEXEC, 0o666) }
    }

    /// Gives the lock back by name, if there is one: a process that was just forked has the file open as well until
    /// its program begins, and closing alone would leave the lock with it.
    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    var status: FileStatus {
        get throws(SystemError) {
            var status = stat()
            _ = try calling { unsafe fstat(descriptor, &status) }
            return FileStatus(status)
        }
    }

    /// The size of a block device.
    var blockDeviceByteCount: UInt64 {
        get throws(SystemError) {
            let BLKGETSIZE64: UInt = 0x8008_1272  // _IOR(0x12, 114, size_t); Swift does not see such macros
            var count: UInt64 = 0
            _ = try calling { unsafe ioctl(descriptor, BLKGETSIZE64, &count) }
            return count
        }
    }

    /// Whether a block device takes no writes, which opening it does not tell.
    var isReadOnlyBlockDevice: Bool {
        get throws(SystemError) {
            let BLKROGET: UInt = 0x125e  // _IO(0x12, 94)
            var answer: CInt = 0
            _ = try calling { unsafe ioctl(descriptor, BLKROGET, &answer) }
            return answer != 0
        }
    }

    /// Takes an advisory lock on the file for as long as it is open.
    ///
    /// - Throws: `SystemError.wouldBlock` when another holder is in the way.
    func lock(exclusive: Bool) throws(SystemError) {
        _ = try calling { flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) }
    }

    /// Fills `target` from `offset` on. Returns the number of bytes read, fewer only at the end of the file.
    func read(into target: inout MutableRawSpan, at offset: UInt64) throws(SystemError) -> Int {
        try unsafe target.withUnsafeMutableBytes { (buffer) throws(SystemError) in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                let position = off_t(offset) + done
                let count = try calling {
                    unsafe pread(descriptor, rest.baseAddress, rest.count, position)
                }
                guard count > 0 else { break }
                done += count
            }
            return done
        }
    }

    /// Writes all of `source` at `offset`.
    func write(_ source: RawSpan, at offset: UInt64) throws(SystemError) {
        try unsafe source.withUnsafeBytes { (buffer) throws(SystemError) in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
                let position = off_t(offset) + done
                done += try calling {
                    unsafe pwrite(descriptor, rest.baseAddress, rest.count, position)
                }
            }
        }
    }

    /// Makes the data durable, and of the rest what is needed to find it again.
    func synchronizeData() throws(SystemError) { _ = try calling { fdatasync(descriptor) } }

    /// Makes the file durable.
    func synchronize() throws(SystemError) { _ = try calling { fsync(descriptor) } }

    /// Cuts the file off or extends it by a hole.
    func setByteCount(_ count: UInt64) throws(SystemError) {
        guard let size = off_t(exactly: count) else { throw SystemError(code: EFBIG) }
        _ = try calling { ftruncate(descriptor, size) }
    }

    /// The next range of data from `offset` on, nil when only a hole follows.
    func nextData(from offset: UInt64) throws(SystemError) -> Range<UInt64>? {
        let SEEK_DATA: CInt = 3
        let SEEK_HOLE: CInt = 4
        do throws(SystemError) {
            let start = try calling { lseek(descriptor, off_t(offset), SEEK_DATA) }
            let end = try calling { lseek(descriptor, start, SEEK_HOLE) }
            return UInt64(start)..<UInt64(end)
        } catch {
            if error.code == ENXIO { return nil }
            throw error
        }
    }

    /// Makes this file share all blocks of `source`.
    func shareBlocks(of source: borrowing File) throws(SystemError) {
        let FICLONE: UInt = 0x4004_9409  // _IOW(0x94, 9, int)
        let from = source.descriptor
        _ = try calling { ioctl(descriptor, FICLONE, from) }
    }

    /// All bytes of a short text file, such as those of `/proc`, whose size is not known beforehand.
    static func contents(of path: String) throws(SystemError) -> [UInt8] {
        let file = try File(path, .read)
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var span = chunk.mutableSpan
            var target = MutableRawSpan(_elements: &span)
            let count = try file.read(into: &target, at: UInt64(contents.count))
            contents += chunk[..<count]
            if count < chunk.count { return contents }
        }
    }

    static func remove(_ path: String) throws(SystemError) { _ = try calling { unsafe unlink(path) } }

    static func rename(_ path: String, to target: String) throws(SystemError) {
        _ = try calling { unsafe Glibc.rename(path, target) }
    }
}

/// Calls the system until no signal interrupts it.
private func calling<Result: SignedInteger>(_ body: () -> Result) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        guard code == EINTR else { throw SystemError(code: code) }
    }
}

extension RawSpan {
    /// Whether every byte is zero. Compares the bytes with themselves, shifted by one, as fast as `memcmp`.
    var holdsOnlyZeros: Bool {
        unsafe withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, bytes.count > 0 else { return true }
            return unsafe bytes[0] == 0 && memcmp(start, start + 1, bytes.count - 1) == 0
        }
    }

    /// A copy of all bytes.
    var copied: [UInt8] { unsafe withUnsafeBytes { unsafe [UInt8]($0) } }

    /// Whether both hold the same bytes.
    func matches(_ other: RawSpan) -> Bool {
        guard byteCount == other.byteCount, byteCount > 0 else { return byteCount == other.byteCount }
        return unsafe withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { theirs in
                guard let a = mine.baseAddress, let b = theirs.baseAddress, unsafe a != b else { return true }
                return unsafe memcmp(a, b, mine.count) == 0
            }
        }
    }

    /// CRC-32C of the bytes, continuing from the checksum of what precedes them.
    func crc32c(after previous: UInt32) -> UInt32 {
        unsafe withUnsafeBytes { bytes in
            // The function takes a pointer to variable bytes but only reads them.
            let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?
                .assumingMemoryBound(to: UInt8.self)
            return unsafe ~crc32_iscsi(start, CInt(bytes.count), ~previous)
        }
    }
}

extension MutableRawSpan {
    /// Copies `source` to `offset`; it must fit.
    @_lifetime(self: copy self)
    mutating func copy(_ source: RawSpan, to offset: Int) {
        var target = _mutatingExtracting(offset..<offset + source.byteCount)
        unsafe target.withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
    }

    /// Fills a range with zeros.
    @_lifetime(self: copy self)
    mutating func clear(_ range: Range<Int>) {
        var target = _mutatingExtracting(range)
        unsafe target.withUnsafeMutableBytes { target in
            if let start = target.baseAddress { unsafe memset(start, 0, target.count) }
        }
    }
}

/// The clock of the system.
public enum SystemClock {
    /// The time since 1970.
    public static var now: (seconds: Int64, nanoseconds: UInt32) {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return (0, 0) }
        return (Int64(time.tv_sec), UInt32(clamping: time.tv_nsec))
    }
}

/// Standard output or standard error of the process, without a buffer.
public struct StandardStream: Sendable {
    /// Where results go.
    public static let output = StandardStream(name: "standard output", descriptor: STDOUT_FILENO)
    /// Where errors and progress go.
    public static let error = StandardStream(name: "standard error", descriptor: STDERR_FILENO)

    private let name: String
    private let descriptor: CInt

    /// Whether a person reads it.
    public var isTerminal: Bool { isatty(descriptor) == 1 }

    /// How many characters fit a line of the terminal; nil where there is none.
    public var columnCount: Int? {
        var size = winsize()
        guard isTerminal, unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return Int(size.ws_col)
    }

    /// Writes all of `bytes`.
    ///
    /// - Throws: `DeviceError`; its `isClosedPipe` where nobody reads any more.
    public func write(_ bytes: RawSpan) throws(DeviceError) {
        do throws(SystemError) {
            try unsafe bytes.withUnsafeBytes { buffer throws(SystemError) in
                var done = 0
                while done < buffer.count {
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
                    done += try calling { unsafe Glibc.write(descriptor, rest.baseAddress, rest.count) }
                }
            }
        } catch {
            throw DeviceError(device: name, operation: .write, reason: .system(code: error.code))
        }
    }

    /// Lets `write` throw where nobody reads any more, instead of ending the process.
    public static func ignoreClosedPipes() { _ = signal(SIGPIPE, SIG_IGN) }
}
