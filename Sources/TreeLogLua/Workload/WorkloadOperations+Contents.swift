internal import BtrfsFormat
internal import BtrfsVolume
internal import LuaRuntime
internal import TreeLog

extension WorkloadOperations {
    // MARK: Contents

    static let contents: [String: Operation] = [
        "open": { session, call in keep(try session.fileSystem.open(call.bytes(0)), session) },
        "tmpfile": { session, call in
            keep(
                try session.fileSystem.createUnnamed(in: call.bytes(0), mode: try call.unsigned32(1, else: 0o600)),
                session)
        },
        "close": { session, call in
            guard case .open(let file) = try file(session, call, 0) else { return .nil }
            session.files[call.integer(0)] = nil
            try session.fileSystem.close(file)
            return .nil
        },
        "write": { session, call in
            try namingFile(call) {
                let location = try madeLocation(session, call)
                try session.fileSystem.write(location, at: try call.unsigned(2), call.bytes(1))
                return .nil
            }
        },
        "append": { session, call in
            try namingFile(call) {
                let location = try madeLocation(session, call)
                let end = try session.fileSystem.stat(location).item.size
                try session.fileSystem.write(location, at: end, call.bytes(1))
                return .nil
            }
        },
        "read": { session, call in try namingFile(call) { try read(session, call) } },
        "truncate": { session, call in
            try session.fileSystem.truncate(call.bytes(0), to: try call.unsigned(1))
            return .nil
        },
        "allocate": { session, call in
            let (offset, count) = try call.range(1)
            try session.fileSystem.allocate(call.bytes(0), at: offset, count: count, keepSize: call.isGiven(3))
            return .nil
        },
        "punch": { session, call in
            let (offset, count) = try call.range(1)
            try session.fileSystem.punchHole(call.bytes(0), at: offset, count: count)
            return .nil
        },
        "zero": { session, call in
            let (offset, count) = try call.range(1)
            try session.fileSystem.zeroRange(call.bytes(0), at: offset, count: count, keepSize: call.isGiven(3))
            return .nil
        },
        "clone": { session, call in
            let offset = try call.unsigned(2)
            var range: Range<UInt64>?
            if call.isGiven(2) || call.isGiven(3) {
                let size = try session.fileSystem.stat(call.bytes(0)).item.size
                let count = try call.unsigned(3, else: size - min(offset, size))
                guard count <= .max - offset else { throw call.refusal(3, "is too large") }
                range = offset..<offset + count
            }
            try session.fileSystem.clone(
                from: call.bytes(0), range: range, to: call.bytes(1), at: try call.unsigned(4))
            return .nil
        },
    ]

    /// Has errors name operation and path as the script does, where what is done takes several steps.
    private static func namingFile(_ call: WorkloadCall, _ body: () throws -> LuaValue) throws -> LuaValue {
        do { return try body() } catch var error as FileSystemError {
            error.operation = call.entry.name
            if case .string(let path) = call.value(0) { error.path = path }
            throw error
        }
    }

    private static func read(_ session: WorkloadSession, _ call: WorkloadCall) throws -> LuaValue {
        let location = try location(session, call)
        let offset = try call.unsigned(1)
        let size = try session.fileSystem.stat(location).item.size
        let count = min(try call.unsigned(2, else: .max), size - min(offset, size))
        guard count <= UInt64(session.stringLimit) else {
            throw call.refusal(2, "is needed: the file has \(count) bytes, a string at most \(session.stringLimit)")
        }
        return .string(try session.fileSystem.read(location, at: offset, count: count))
    }

    /// Where a file is. Links are followed, as they are by who opens it.
    private static func location(_ session: WorkloadSession, _ call: WorkloadCall) throws -> FileLocation {
        switch try file(session, call, 0) {
        case .open(let file): file.location
        case .path(let path): try session.fileSystem.location(path)
        }
    }

    /// Where a file is that is made if there is none.
    private static func madeLocation(_ session: WorkloadSession, _ call: WorkloadCall) throws -> FileLocation {
        do { return try location(session, call) } catch let error as FileSystemError {
            guard error.code == .noEntry, case .path(let path) = try file(session, call, 0) else { throw error }
            return try session.fileSystem.create(path)
        }
    }

    // MARK: Subvolumes

    static let subvolumes: [String: Operation] = [
        "subvolume": { session, call in
            _ = try session.fileSystem.createSubvolume(call.bytes(0))
            return .nil
        },
        "snapshot": { session, call in
            _ = try session.fileSystem.snapshot(call.bytes(0), at: call.bytes(1), isReadOnly: call.isGiven(2))
            return .nil
        },
        "delete_subvolume": { session, call in
            try session.fileSystem.deleteSubvolume(call.bytes(0))
            return .nil
        },
        "enable_quotas": { session, _ in
            try session.fileSystem.enableQuotas()
            return .nil
        },
        "disable_quotas": { session, _ in
            try session.fileSystem.disableQuotas()
            return .nil
        },
        "quota_groups": { session, _ in
            .table(LuaTable(list: try session.fileSystem.quotaGroups().map { .text($0) }))
        },
    ]

    // MARK: Durability

    static let durability: [String: Operation] = [
        "fsync": { session, call in
            let outcome =
                switch try file(session, call, 0) {
                case .path(let path): try session.fileSystem.fsync(path)
                case .open(let file): try session.fileSystem.fsync(file)
                }
            return result(outcome, session)
        },
        "fdatasync": { session, call in
            result(try session.fileSystem.fdatasync(call.bytes(0)), session)
        },
        "sync": { session, _ in
            try session.fileSystem.sync()
            return .nil
        },
        "mark": { session, call in
            let name = call.text(0) ?? ""
            guard session.marks.insert(name).inserted else { throw call.refusal(0, "'\(name)' was given before") }
            session.mark = name
            return .nil
        },
        "crash": { session, _ in
            try session.crash()
            return .nil
        },
        "remount": { session, _ in
            try session.remount()
            return .nil
        },
        "state": { session, _ in .string(try session.fileSystem.state()) },
    ]

    private static func result(_ outcome: SyncOutcome, _ session: WorkloadSession) -> LuaValue {
        session.syncOutcome = outcome
        var fields: [(String, LuaValue)] = [("bytes", .integer(Int64(clamping: session.writtenByteCount)))]
        switch outcome {
        case .logged: fields.append(("outcome", .text("logged")))
        case .fullCommit(let reason):
            fields += [("outcome", .text("full_commit")), ("reason", .text(reason.rawValue))]
        case .nothingToDo: fields.append(("outcome", .text("nothing")))
        }
        return .table(LuaTable(fields: fields))
    }

    // MARK: Items

    static let items: [String: Operation] = [
        "put_item": { session, call in
            let key = (try call.keyType(1), UInt64(bitPattern: call.integer(2)))
            try session.fileSystem.putItem(call.bytes(0), key.0, at: key.1, call.bytes(3))
            return .nil
        },
        "get_item": { session, call in
            let key = (try call.keyType(1), UInt64(bitPattern: call.integer(2)))
            do throws(FileSystemError) {
                return .string(try session.fileSystem.getItem(call.bytes(0), key.0, at: key.1))
            } catch {
                guard error.code == .noData else { throw error }
                return .nil
            }
        },
        "delete_item": { session, call in
            let key = (try call.keyType(1), UInt64(bitPattern: call.integer(2)))
            try session.fileSystem.deleteItem(call.bytes(0), key.0, at: key.1)
            return .nil
        },
        "items": { session, call in
            let type = try call.keyType(1)
            let items = try session.fileSystem.items(call.bytes(0), of: type)
            return .table(LuaTable(list: items.map { .integer(Int64(bitPattern: $0.key.offset)) }))
        },
    ]
}
