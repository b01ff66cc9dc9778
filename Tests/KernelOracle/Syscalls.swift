internal import CKernelOracle
internal import CSodium
internal import Glibc

/// A file descriptor that closes itself. Reading through one changes no access time.
struct OpenFile: ~Copyable {
    let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Opens a path of the host.
    init(path: String) throws(OracleError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw .lastError("open", path) }
        self.init(descriptor: descriptor)
    }

    /// Opens, or creates, a file for reading and writing.
    init(creating path: String) throws(OracleError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        if descriptor < 0 { throw .lastError("open", path) }
        self.init(descriptor: descriptor)
    }

    /// A file in memory.
    static func inMemory() throws(OracleError) -> OpenFile {
        let descriptor = oracle_memory_file()
        if descriptor < 0 { throw .lastError("memfd_create", "") }
        return OpenFile(descriptor: descriptor)
    }

    func openDirectory(_ name: [UInt8]) throws(OracleError) -> OpenFile {
        try openChild(name, flags: O_DIRECTORY)
    }

    func openFile(_ name: [UInt8]) throws(OracleError) -> OpenFile {
        try openChild(name, flags: 0)
    }

    private func openChild(_ name: [UInt8], flags: Int32) throws(OracleError) -> OpenFile {
        let opened = unsafe withCString(name) { unsafe oracle_open(descriptor, $0, flags) }
        if opened < 0 { throw .lastError("open", escaped(name)) }
        return OpenFile(descriptor: opened)
    }

    /// What statx gives for a name in this directory; for the file itself with no name.
    func status(of name: [UInt8] = []) throws(OracleError) -> oracle_status {
        var result = oracle_status()
        let code = unsafe withCString(name) { unsafe oracle_status_of(descriptor, $0, &result) }
        if code != 0 { throw .lastError("statx", escaped(name)) }
        return result
    }

    /// The names in this directory, in the order in which the kernel gives them.
    func names() throws(OracleError) -> [[UInt8]] {
        let copy = try openDirectory([UInt8(ascii: ".")])
        let duplicate = fcntl(copy.descriptor, F_DUPFD_CLOEXEC, 3)
        guard duplicate >= 0, let stream = unsafe fdopendir(duplicate) else {
            throw .lastError("fdopendir", "")
        }
        defer { unsafe closedir(stream) }
        var names: [[UInt8]] = []
        while let pointer = unsafe oracle_next_name(stream) {
            let name = unsafe nameBytes(pointer)
            if name != [0x2E] && name != [0x2E, 0x2E] { names.append(name) }
        }
        if errno != 0 { throw .lastError("readdir", "") }
        return names
    }

    func target(of name: [UInt8]) throws(OracleError) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: 8192)
        let count = unsafe withCString(name) { unsafe readlinkat(descriptor, $0, &buffer, 8192) }
        if count < 0 { throw .lastError("readlink", escaped(name)) }
        return buffer[..<count].map { UInt8(bitPattern: $0) }
    }

    /// All extended attributes of a name in this directory.
    func attributes(of name: [UInt8]) throws(OracleError) -> [(name: [UInt8], value: [UInt8])] {
        // There is no lgetxattr relative to a directory; this path is one and short.
        let path = Array("/proc/self/fd/\(descriptor)/".utf8) + name
        let list = try unsafe readAttribute(of: path, "llistxattr") { unsafe llistxattr($0, $1, $2) }
        var result: [(name: [UInt8], value: [UInt8])] = []
        for attribute in list.split(separator: 0).map(Array.init) {
            let call = "lgetxattr \(escaped(attribute))"
            let value = try unsafe readAttribute(of: path, call) { path, buffer, count in
                unsafe withCString(attribute) { unsafe lgetxattr(path, $0, buffer, count) }
            }
            result.append((attribute, value))
        }
        return result
    }

    private func readAttribute(
        of path: [UInt8], _ call: String,
        _ read: (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>, Int) -> Int
    ) throws(OracleError) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: 65536)
        let count = unsafe withCString(path) { path in
            unsafe buffer.withUnsafeMutableBufferPointer { target in
                guard let start = target.baseAddress else { return -1 }
                return unsafe read(path, start, target.count)
            }
        }
        if count < 0 { throw .lastError(call, escaped(path)) }
        return buffer[..<count].map { UInt8(bitPattern: $0) }
    }
}

/// What concerns one open file.
extension OpenFile {
    /// What FS_IOC_GETFLAGS gives.
    func inodeFlags() throws(OracleError) -> UInt32 {
        var flags: UInt32 = 0
        if unsafe oracle_get_flags(descriptor, &flags) != 0 { throw .lastError("FS_IOC_GETFLAGS", "") }
        return flags
    }

    /// What FS_IOC_GETVERSION gives: the generation in which the inode was made.
    func generation() throws(OracleError) -> UInt32 {
        var value: UInt32 = 0
        if unsafe oracle_get_generation(descriptor, &value) != 0 { throw .lastError("FS_IOC_GETVERSION", "") }
        return value
    }

    /// The subvolume whose root directory this is.
    func subvolume() throws(OracleError) -> (tree: UInt64, isReadOnly: Bool) {
        var tree: UInt64 = 0
        var readonly: Int32 = 0
        if unsafe oracle_get_subvolume(descriptor, &tree, &readonly) != 0 {
            throw .lastError("BTRFS_IOC_INO_LOOKUP", "")
        }
        return (tree, readonly != 0)
    }

    /// All extents in one call, because the kernel merges neighbours only within a call.
    func extents() throws(OracleError) -> [fiemap_extent] {
        var header = fiemap()
        var capacity = unsafe oracle_fiemap(descriptor, &header, 0)
        while capacity > 0 {
            let headerWords = MemoryLayout<fiemap>.size / 8
            let extentWords = MemoryLayout<fiemap_extent>.size / 8
            var words = [UInt64](repeating: 0, count: headerWords + Int(capacity) * extentWords)
            var extents: [fiemap_extent] = []
            let count = unsafe words.withUnsafeMutableBytes { buffer -> Int64 in
                guard let start = buffer.baseAddress else { return 0 }
                let map = unsafe start.assumingMemoryBound(to: fiemap.self)
                let count = unsafe oracle_fiemap(descriptor, map, UInt32(capacity))
                for index in 0..<Int(max(count, 0)) {
                    let offset = (headerWords + index * extentWords) * 8
                    unsafe extents.append(start.load(fromByteOffset: offset, as: fiemap_extent.self))
                }
                return count
            }
            let isWhole = extents.last.map { $0.fe_flags & UInt32(FIEMAP_EXTENT_LAST) != 0 } ?? true
            if count >= 0 && isWhole { return extents }
            capacity = count < 0 ? -1 : capacity * 2
        }
        if capacity < 0 { throw .lastError("FS_IOC_FIEMAP", "") }
        return []
    }

    /// The data segments as SEEK_DATA and SEEK_HOLE give them.
    func dataSegments(size: Int64) throws(OracleError) -> [(start: Int64, end: Int64)] {
        var segments: [(start: Int64, end: Int64)] = []
        var position: Int64 = 0
        while position < size {
            let start = oracle_seek_data(descriptor, position)
            if start < 0 && errno == ENXIO { break }
            if start < 0 { throw .lastError("SEEK_DATA", "at \(position)") }
            let end = oracle_seek_hole(descriptor, start)
            if end < 0 { throw .lastError("SEEK_HOLE", "at \(start)") }
            segments.append((start, end))
            position = end
        }
        return segments
    }

    /// The SHA-256 of the bytes of some ranges, one after the other, in hex.
    func sha256(of ranges: [(start: Int64, end: Int64)]) throws(OracleError) -> String {
        var state = crypto_hash_sha256_state()
        unsafe crypto_hash_sha256_init(&state)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        for range in ranges {
            var position = range.start
            while position < range.end {
                let wanted = Int(min(Int64(buffer.count), range.end - position))
                let count = unsafe pread(descriptor, &buffer, wanted, off_t(position))
                if count < 0 { throw .lastError("read", "at \(position)") }
                if count == 0 { break }
                unsafe crypto_hash_sha256_update(&state, buffer, UInt64(count))
                position += Int64(count)
            }
        }
        var digest = [UInt8](repeating: 0, count: 32)
        unsafe crypto_hash_sha256_final(&state, &digest)
        return hex(digest)
    }

    /// The bytes from an offset, fewer at the end of the file.
    func bytes(at offset: Int64, count: Int) throws(OracleError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let done = unsafe pread(descriptor, &buffer, count, off_t(offset))
        if done < 0 { throw .lastError("read", "at \(offset)") }
        return Array(buffer[..<done])
    }

    /// All bytes of the file, from its beginning.
    func contents() throws(OracleError) -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe pread(descriptor, &buffer, buffer.count, off_t(result.count))
            if count < 0 { throw .lastError("read", "") }
            if count == 0 { return result }
            result += buffer[..<count]
        }
    }

    /// Replaces all bytes of the file.
    func replaceContents(with bytes: [UInt8]) throws(OracleError) {
        if ftruncate(descriptor, 0) != 0 { throw .lastError("ftruncate", "") }
        if unsafe pwrite(descriptor, bytes, bytes.count, 0) != bytes.count { throw .lastError("write", "") }
    }

    /// Writes the file system that this file is on to its device, and no other.
    func syncFilesystem() throws(OracleError) {
        if oracle_sync_filesystem(descriptor) != 0 { throw .lastError("syncfs", "") }
    }

    /// Takes the lock of this file; false while another has it.
    func tryLock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }
}

/// A started program: the leader of a process group of its own.
struct ChildProcess {
    let id: Int32

    /// - Throws: `OracleError.system` when the program cannot be started.
    init(
        path: String, arguments: [String], environment: [String: String],
        input: borrowing OpenFile, output: borrowing OpenFile, errors: borrowing OpenFile
    ) throws(OracleError) {
        let variables = environment.map { "\($0.key)=\($0.value)" }
        var id: Int32 = 0
        let (inputFile, outputFile, errorFile) = (input.descriptor, output.descriptor, errors.descriptor)
        let code = unsafe withStrings(arguments) { arguments in
            unsafe withStrings(variables) { variables in
                unsafe oracle_spawn(&id, path, arguments, variables, inputFile, outputFile, errorFile)
            }
        }
        if code != 0 { throw .system(call: "posix_spawn", subject: path, reason: errorText(code)) }
        self.id = id
    }

    /// The exit status, 128 + the signal for a killed program, nil while it runs.
    func exitStatus() -> Int32? {
        var status: Int32 = -1
        return unsafe oracle_poll_process(id, &status) == 0 ? nil : status
    }

    /// Kills the program and all that it started in its group.
    func kill() { Glibc.kill(-id, SIGKILL) }
}

enum Host {
    static var isRoot: Bool { geteuid() == 0 }
    static func canExecute(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }
    static func canWrite(_ path: String) -> Bool { unsafe access(path, W_OK) == 0 }
    static func sleep(microseconds: UInt32) { usleep(microseconds) }
    static func makeDirectory(_ path: String) -> Bool { unsafe mkdir(path, 0o700) == 0 }
    static func removeDirectory(_ path: String) { unsafe rmdir(path) }
}

extension OracleError {
    /// The error that errno names.
    static func lastError(_ call: String, _ subject: String) -> OracleError {
        .system(call: call, subject: subject, reason: errorText(errno))
    }
}

private func errorText(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}

private func nameBytes(_ pointer: UnsafePointer<CChar>) -> [UInt8] {
    let count = unsafe strlen(pointer)
    return unsafe UnsafeBufferPointer(start: pointer, count: count).map { UInt8(bitPattern: $0) }
}

private func withCString<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let characters = bytes.map { CChar(bitPattern: $0) } + [0]
    return unsafe body(characters)
}

/// A null-terminated array of C strings.
private func withStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = unsafe strings.map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    defer { for unsafe pointer in unsafe pointers { unsafe free(pointer) } }
    return unsafe body(pointers)
}
