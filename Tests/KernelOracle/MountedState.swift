internal import CKernelOracle

/// The state of a mounted btrfs as a state document, collected through system calls only.
///
/// Files and directories are opened so that reading them changes no access time; reading a
/// symlink does, so mount with `noatime` (or read-only).
public struct MountedState {
    /// Files above this size are hashed by their data segments only.
    static let wholeFileLimit: Int64 = 64 << 20
    static let rootInode: UInt64 = 256
    /// The inode number of what a snapshot has in place of a subvolume.
    static let emptySubvolumeInode: UInt64 = 2

    /// Reads all subvolumes that can be reached from a mount point.
    ///
    /// - Returns: `{"subvolumes": {PATH: {…}}}`, PATH from the mount point.
    public static func collect(mountPoint: String) throws(OracleError) -> JSONValue {
        let root = try OpenFile(path: mountPoint)
        var state = MountedState()
        try state.collectSubvolumes(root)
        return .object(["subvolumes": .object(state.subvolumes)])
    }

    private typealias Path = [[UInt8]]

    private var subvolumes: [String: JSONValue] = [:]
    private var remainingSubvolumes: [Path] = [[]]
    private var remainingDirectories: [Path] = []
    private var directories: [String: JSONValue] = [:]
    private var inodes: [String: JSONValue] = [:]

    private mutating func collectSubvolumes(_ root: borrowing OpenFile) throws(OracleError) {
        while let path = remainingSubvolumes.popLast() {
            let directory = try open(path, below: root)
            let (tree, isReadOnly) = try directory.subvolume()
            directories = [:]
            inodes = [String(MountedState.rootInode): try directoryInode(directory)]
            remainingDirectories = [[]]
            while let inner = remainingDirectories.popLast() {
                try collectDirectory(try open(inner, below: directory), at: inner, in: path)
            }
            subvolumes["/" + MountedState.name(path)] = .object([
                "id": .integer(Int64(bitPattern: tree)), "readonly": .boolean(isReadOnly),
                "dirs": .object(directories), "inodes": .object(inodes),
            ])
        }
    }

    private static func name(_ path: Path) -> String { path.map(escaped).joined(separator: "/") }

    /// Opens one name after the other, because a deep path may be too long for one call.
    private func open(_ path: Path, below root: borrowing OpenFile) throws(OracleError) -> OpenFile {
        var directory = try root.openDirectory([UInt8(ascii: ".")])
        for name in path { directory = try directory.openDirectory(name) }
        return directory
    }

    private mutating func collectDirectory(
        _ directory: borrowing OpenFile, at path: Path, in subvolume: Path
    ) throws(OracleError) {
        var entries: [JSONValue] = []
        for name in try directory.names() {
            let status = try directory.status(of: name)
            let type = try entryType(status)
            entries.append(.array([
                .string(escaped(name)), .integer(Int64(bitPattern: status.inode)), .string(type),
            ]))
            switch type {
            case "subvol": remainingSubvolumes.append(subvolume + path + [name])
            case "empty-subvol": break
            case "dir":
                remainingDirectories.append(path + [name])
                let opened = try directory.openDirectory(name)
                inodes[String(status.inode)] = try directoryInode(opened)
            default:
                if inodes[String(status.inode)] == nil {
                    inodes[String(status.inode)] = try otherInode(name, status, type, in: directory)
                }
            }
        }
        directories[path.isEmpty ? "." : MountedState.name(path)] = .array(entries)
    }

    private func entryType(_ status: oracle_status) throws(OracleError) -> String {
        switch status.mode & 0o170000 {
        case 0o100000: "file"
        case 0o040000 where status.inode == MountedState.rootInode: "subvol"
        case 0o040000 where status.inode == MountedState.emptySubvolumeInode: "empty-subvol"
        case 0o040000: "dir"
        case 0o120000: "link"
        case 0o010000: "fifo"
        case 0o140000: "sock"
        case 0o020000: "chr"
        case 0o060000: "blk"
        default:
            throw .system(call: "statx", subject: "inode \(status.inode)", reason: "no type in its mode")
        }
    }
}

/// What is told of one inode.
extension MountedState {
    private func directoryInode(_ directory: borrowing OpenFile) throws(OracleError) -> JSONValue {
        var fields = commonFields(try directory.status(), type: "dir")
        fields["flags"] = .integer(Int64(try directory.inodeFlags()))
        fields["gen"] = .integer(Int64(try directory.generation()))
        fields["xattrs"] = try attributes(of: [UInt8(ascii: ".")], in: directory)
        return .object(fields)
    }

    private func otherInode(
        _ name: [UInt8], _ status: oracle_status, _ type: String, in directory: borrowing OpenFile
    ) throws(OracleError) -> JSONValue {
        var fields = commonFields(status, type: type)
        fields["xattrs"] = try attributes(of: name, in: directory)
        switch type {
        case "file": try addFileFields(try directory.openFile(name), status, to: &fields)
        case "link": fields["target"] = .string(escaped(try directory.target(of: name)))
        case "chr", "blk":
            let numbers = [status.device_major, status.device_minor]
            fields["rdev"] = .array(numbers.map { .integer(Int64($0)) })
        default: break
        }
        return .object(fields)
    }

    private func commonFields(_ status: oracle_status, type: String) -> [String: JSONValue] {
        let mode = String(status.mode & 0o7777, radix: 8)
        return [
            "type": .string(type),
            "mode": .string(String(repeating: "0", count: 4 - mode.count) + mode),
            "uid": .integer(Int64(status.uid)), "gid": .integer(Int64(status.gid)),
            "nlink": .integer(Int64(status.links)),
            "size": .integer(Int64(bitPattern: status.size)),
            "blocks": .integer(Int64(bitPattern: status.blocks &* 512)),
            "mtime": time(status.modified, status.modified_ns),
            "ctime": time(status.changed, status.changed_ns),
            "atime": time(status.accessed, status.accessed_ns),
            "btime": time(status.born, status.born_ns),
        ]
    }

    private func time(_ seconds: Int64, _ nanoseconds: UInt32) -> JSONValue {
        let digits = String(nanoseconds)
        return .string("\(seconds)." + String(repeating: "0", count: max(0, 9 - digits.count)) + digits)
    }

    /// nil when there are none: the field is absent then.
    private func attributes(
        of name: [UInt8], in directory: borrowing OpenFile
    ) throws(OracleError) -> JSONValue? {
        var attributes: [String: JSONValue] = [:]
        for (name, value) in try directory.attributes(of: name) {
            attributes[escaped(name)] = .string(hex(value))
        }
        return attributes.isEmpty ? nil : .object(attributes)
    }

    private func addFileFields(
        _ file: borrowing OpenFile, _ status: oracle_status, to fields: inout [String: JSONValue]
    ) throws(OracleError) {
        let size = Int64(bitPattern: status.size)
        let segments = try file.dataSegments(size: size)
        fields["flags"] = .integer(Int64(try file.inodeFlags()))
        fields["gen"] = .integer(Int64(try file.generation()))
        fields["data"] = .array(segments.map { .array([.integer($0.start), .integer($0.end)]) })
        fields["extents"] = .array(try file.extents().map(extent))
        if size > MountedState.wholeFileLimit {
            fields["sha256_data"] = .string(try file.sha256(of: segments))
        } else {
            fields["sha256"] = .string(try file.sha256(of: [(0, size)]))
        }
    }

    private func extent(_ extent: fiemap_extent) -> JSONValue {
        let names: [(flag: Int32, name: String)] = [
            (FIEMAP_EXTENT_DATA_INLINE, "inline"), (FIEMAP_EXTENT_UNWRITTEN, "prealloc"),
            (FIEMAP_EXTENT_ENCODED, "encoded"), (FIEMAP_EXTENT_SHARED, "shared"),
        ]
        let flags = names.filter { extent.fe_flags & UInt32($0.flag) != 0 }.map(\.name)
        let numbers = [extent.fe_logical, extent.fe_length, extent.fe_physical]
        return .array(
            numbers.map { .integer(Int64(bitPattern: $0)) } + [.string(flags.joined(separator: ","))])
    }
}
