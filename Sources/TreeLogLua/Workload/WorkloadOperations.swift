internal import BtrfsFormat
internal import BtrfsVolume
internal import LuaRuntime
internal import TreeLog

/// The operations of `fs`: what each name of the API does.
enum WorkloadOperations {
    typealias Operation = @Sendable (WorkloadSession, WorkloadCall) throws -> LuaValue

    static let table: [String: Operation] = names.merging(contents) { $1 }.merging(attributes) { $1 }
        .merging(subvolumes) { $1 }.merging(durability) { $1 }.merging(items) { $1 }

    /// What an argument that names a file is.
    enum File {
        case path([UInt8])
        case open(OpenFile)
    }

    static func file(_ session: WorkloadSession, _ call: WorkloadCall, _ place: Int) throws -> File {
        guard case .integer(let number) = call.value(place) else { return .path(call.bytes(place)) }
        guard let file = session.files[number] else {
            throw FileSystemError(.badFile, call.entry.name, path: Array("file \(number)".utf8))
        }
        return .open(file)
    }

    static func keep(_ file: OpenFile, _ session: WorkloadSession) -> LuaValue {
        defer { session.nextFile += 1 }
        session.files[session.nextFile] = file
        return .integer(session.nextFile)
    }

    static func list(_ names: [[UInt8]]) -> LuaValue {
        .table(LuaTable(list: names.sorted { $0.lexicographicallyPrecedes($1) }.map { .string($0) }))
    }

    // MARK: Names

    private static let names: [String: Operation] = [
        "create": { session, call in
            _ = try session.fileSystem.create(call.bytes(0), mode: try call.unsigned32(1, else: 0o644))
            return .nil
        },
        "mkdir": { session, call in
            _ = try session.fileSystem.makeDirectory(call.bytes(0), mode: try call.unsigned32(1, else: 0o755))
            return .nil
        },
        "symlink": { session, call in
            _ = try session.fileSystem.makeSymlink(call.bytes(1), to: call.bytes(0))
            return .nil
        },
        "mknod": { session, call in
            let types: [String: UInt32] = [
                "fifo": 0o010000, "character": 0o020000, "block": 0o060000, "socket": 0o140000,
            ]
            let mode = (types[call.text(1) ?? ""] ?? 0) | (try call.unsigned32(4, else: 0o644)) & 0o7777
            let device = DeviceNumber(major: try call.unsigned32(2), minor: try call.unsigned32(3))
            _ = try session.fileSystem.makeNode(call.bytes(0), mode: mode, device: device)
            return .nil
        },
        "link": { session, call in
            switch try file(session, call, 0) {
            case .path(let path): try session.fileSystem.link(path, to: call.bytes(1))
            case .open(let file): try session.fileSystem.linkUnnamed(file, to: call.bytes(1))
            }
            return .nil
        },
        "unlink": { session, call in
            try session.fileSystem.unlink(call.bytes(0))
            return .nil
        },
        "rmdir": { session, call in
            try session.fileSystem.removeDirectory(call.bytes(0))
            return .nil
        },
        "rename": { session, call in
            let flags: RenameFlags =
                switch call.text(2) {
                case "exchange": .exchange
                case "no_replace": .noReplace
                default: []
                }
            try session.fileSystem.rename(call.bytes(0), to: call.bytes(1), flags)
            return .nil
        },
        "exists": { session, call in .boolean(try session.fileSystem.exists(call.bytes(0))) },
        "readdir": { session, call in list(try session.fileSystem.readDirectory(call.bytes(0)).map(\.name)) },
        "readlink": { session, call in .string(try session.fileSystem.readLink(call.bytes(0))) },
        "stat": { session, call in
            switch try file(session, call, 0) {
            case .path(let path): .table(LuaTable(try session.fileSystem.stat(path, followsLink: false)))
            case .open(let file): .table(LuaTable(try session.fileSystem.stat(file.location)))
            }
        },
    ]

    // MARK: Attributes

    private static let attributes: [String: Operation] = [
        "chmod": { session, call in
            try session.fileSystem.changeMode(call.bytes(0), to: try call.unsigned32(1))
            return .nil
        },
        "chown": { session, call in
            let (uid, gid) = (try call.unsigned32(1), try call.unsigned32(2))
            try session.fileSystem.changeOwner(call.bytes(0), uid: uid, gid: gid, followsLink: false)
            return .nil
        },
        "utimes": { session, call in
            let (access, modification) = (try call.time(1), try call.time(2))
            try session.fileSystem.setTimes(
                call.bytes(0), access: access, modification: modification, followsLink: false)
            return .nil
        },
        "set_nocow": { session, call in
            try session.fileSystem.setFlags(call.bytes(0), call.boolean(1) ? .noDataCopyOnWrite : [])
            return .nil
        },
        "set_xattr": { session, call in
            let flags: XattrFlags =
                switch call.text(3) {
                case "create": .create
                case "replace": .replace
                default: []
                }
            try session.fileSystem.setXattr(call.bytes(0), call.bytes(1), call.bytes(2), flags)
            return .nil
        },
        "get_xattr": { session, call in
            do throws(FileSystemError) {
                return .string(try session.fileSystem.getXattr(call.bytes(0), call.bytes(1)))
            } catch {
                guard error.code == .noData else { throw error }
                return .nil
            }
        },
        "list_xattrs": { session, call in list(try session.fileSystem.listXattrs(call.bytes(0)).map(\.name)) },
        "remove_xattr": { session, call in
            try session.fileSystem.removeXattr(call.bytes(0), call.bytes(1))
            return .nil
        },
        "enable_verity": { session, call in
            let blockCount = Int(clamping: try call.unsigned(1, else: 4096))
            try session.fileSystem.enableVerity(call.bytes(0), commitAfter: blockCount)
            return .nil
        },
        "verity_digest": { session, call in
            do throws(FileSystemError) {
                let digest = try session.fileSystem.verityDigest(call.bytes(0))
                return .text("sha256:" + EscapedBytes.hexadecimal(digest))
            } catch {
                guard error.code == .noData else { throw error }
                return .nil
            }
        },
    ]
}

extension LuaTable {
    /// What `stat` tells.
    init(_ status: FileStatus) {
        let item = status.item
        let types: [UInt32: String] = [
            0o100000: "file", 0o040000: "directory", 0o120000: "symlink", 0o020000: "character", 0o060000: "block",
            0o010000: "fifo", 0o140000: "socket",
        ]
        func number(_ value: some BinaryInteger) -> LuaValue { .integer(Int64(truncatingIfNeeded: value)) }
        self.init(fields: [
            ("inode", number(status.location.inode.rawValue)),
            ("subvolume", number(status.location.subvolume.rawValue)),
            ("type", .text(types[item.mode & 0o170000] ?? "unknown")), ("size", number(item.size)),
            ("nbytes", number(item.nbytes)), ("nlink", number(item.nlink)),
            ("mode", number(item.mode & 0o7777)), ("uid", number(item.uid)), ("gid", number(item.gid)),
            ("rdev", number(item.rdev)), ("flags", number(item.flags.rawValue)),
            ("atime", .table(LuaTable(item.atime))), ("mtime", .table(LuaTable(item.mtime))),
            ("ctime", .table(LuaTable(item.ctime))), ("otime", .table(LuaTable(item.otime))),
        ])
    }
}
