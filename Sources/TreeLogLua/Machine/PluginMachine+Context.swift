internal import BtrfsFormat
internal import BtrfsVolume
internal import LuaRuntime
internal import TreeLog

// What replay functions work with.

extension PluginMachine {
    /// How many items a look-up of several gives at most.
    private static let itemLimit = 10_000

    func makeContextClass() throws -> LuaViewClass {
        try vm.makeViewClass(
            "context", fields: ["subvolume": .computed(0), "stage": .computed(1), "generation": .computed(2)],
            methods: contextLookUps.merging(contextEdits) { first, _ in first }, readers: .excluded,
            getter: { [unowned self] arguments, number in
                switch number {
                case 0: return .objectID(currentPlace.subvolume)
                case 1: return .text((currentPlace.stage ?? .everything).word)
                case 2: return try lent { .integer(Int64(bitPattern: $0.transaction.generation)) }
                default:
                    let name = try arguments.text(1)
                    let hint = Nearest.hint(name, among: APITable.context.keys)
                    throw APIError("a context has no field '\(name)'\(hint)")
                }
            })
    }

    /// Uses the context. What fails there fails the callback, also when the script catches the error.
    private func lent<Result>(
        _ body: (inout ReplayContext) throws(LogError) -> Result
    ) throws -> Result {
        if slot.phase != .replay { try require([.replay], "a method of the context") }
        do throws(LogError) {
            if let result = try slot.use(body) { return result }
        } catch {
            if slot.pendingFailure == nil { slot.pendingFailure = error }
            throw error
        }
        throw APIError("there is no replay now")
    }

    // MARK: Look-ups

    private var contextLookUps: [String: LuaVM.Function] {
        [
            "committed": { [unowned self] in
                let key = try key($0, 1)
                return try lent { (c) throws(LogError) in LuaValue(try c.committedBytes(key)) }
            },
            "logged": { [unowned self] in
                let key = try key($0, 1)
                return try lent { (c) throws(LogError) in LuaValue(try c.loggedBytes(key)) }
            },
            "committed_items": { [unowned self] in try items($0) { $0.tree } },
            "logged_items": { [unowned self] in try items($0) { $0.logged } },
            "exists": { [unowned self] in
                let inode = ObjectID(try $0.unsigned(1))
                return try lent { (c) throws(LogError) in .boolean(try c.inodeExists(inode)) }
            },
            "inode": { [unowned self] in
                let inode = ObjectID(try $0.unsigned(1))
                let item = try lent { (c) throws(LogError) in try c.inode(inode) }
                return item.map { .table(LuaTable(inode, $0)) } ?? .nil
            },
            "path": { [unowned self] in
                try require([.replay], "a method of the context")
                return try path(of: ObjectID(try $0.unsigned(1)))
            },
            "lookup": { [unowned self] in
                let directory = ObjectID(try $0.unsigned(1))
                let name = try $0.bytes(2).copied
                let target = try lent { (c: inout ReplayContext) throws(LogError) -> EntryTarget? in
                    do throws(VolumeError) { return try c.names.entry(named: name.rawSpan, in: directory) } catch {
                        throw c.failure(from: error)
                    }
                }
                return .objectID(target?.location.objectID)
            },
            "names": { [unowned self] in
                let inode = ObjectID(try $0.unsigned(1))
                let names = try lent { (c: inout ReplayContext) throws(LogError) -> [InodeName] in
                    do throws(VolumeError) { return try c.names.names(of: inode) } catch {
                        throw c.failure(from: error)
                    }
                }
                return .table(
                    LuaTable(
                        list: names.map {
                            .table(
                                LuaTable(fields: [
                                    ("directory", .objectID($0.directory)),
                                    ("index", .integer(Int64(bitPattern: $0.index))), ("name", .string($0.name)),
                                ]))
                        }))
            },
        ]
    }

    /// All items of a kind that an object has.
    private func items(
        _ arguments: borrowing LuaArguments, in tree: @escaping (borrowing ReplayContext) -> Tree
    ) throws -> LuaValue {
        let objectID = ObjectID(try arguments.unsigned(1))
        let number = try arguments.integer(2)
        guard let number = UInt8(exactly: number) else { throw APIError("key types are 0 to 255, got \(number)") }
        let type = KeyType(number)
        let items: [LuaValue] = try lent { (context: inout ReplayContext) throws(LogError) -> [LuaValue] in
            do throws(VolumeError) {
                return try Self.items(of: tree(context), objectID, type)
            } catch { throw context.failure(from: error) }
        }
        guard items.count < Self.itemLimit else {
            throw APIError("there are more than \(Self.itemLimit) such items")
        }
        return .table(LuaTable(list: items))
    }

    private static func items(
        of tree: Tree, _ objectID: ObjectID, _ type: KeyType
    ) throws(VolumeError) -> [LuaValue] {
        var items: [LuaValue] = []
        let cursor = tree.makeCursor()
        try cursor.seek(Key(objectID, type, 0))
        while cursor.isValid, items.count < itemLimit {
            let key = cursor.key
            guard key.objectID == objectID, key.type == type else { break }
            let fields = LuaTable(key).entries + [LuaTable.Entry(.text("bytes"), .string(cursor.data.copied))]
            items.append(.table(LuaTable(fields)))
            guard try cursor.next() else { break }
        }
        return items
    }

    // MARK: Edits

    private var contextEdits: [String: LuaVM.Function] {
        [
            "put": { [unowned self] in try put($0) },
            "remove": { [unowned self] in
                let key = try key($0, 1)
                return try lent { (c) throws(LogError) in .boolean(try c.remove(key)) }
            },
            "native": { [unowned self] in try replayNatively($0) },
            "link": { [unowned self] in
                let (directory, inode) = (ObjectID(try $0.unsigned(1)), ObjectID(try $0.unsigned(3)))
                let name = try Self.fileName($0, 2)
                return .boolean(try lent { (c) throws(LogError) in try Self.link(name, inode, directory, &c) })
            },
            "unlink": { [unowned self] in
                let (directory, inode) = (ObjectID(try $0.unsigned(1)), ObjectID(try $0.unsigned(3)))
                let name = try $0.bytes(2).copied
                try lent { (c) throws(LogError) in try c.unlink(name.rawSpan, of: inode, in: directory) }
                return .nil
            },
            "fix_up": { [unowned self] in
                let inode = ObjectID(try $0.unsigned(1))
                try lent { (c) throws(LogError) in c.fixUp(inode) }
                return .nil
            },
            "note": { [unowned self] in try report(.note, $0) },
            "warn": { [unowned self] in try report(.warning, $0) },
        ]
    }

    private func put(_ arguments: borrowing LuaArguments) throws -> LuaValue {
        if arguments.isNil(2), arguments.isView(1) {
            // Of the log, which does not change.
            let item = try arguments.viewContents(1)
            let (key, bytes) = (Self.key(item.integers), item.bytes)
            try lent { (context) throws(LogError) in try Self.put(key, bytes, &context) }
            return .nil
        }
        let key = try key(arguments, 1)
        let bytes = arguments.isNil(2) ? try arguments.viewBytes(1) : try arguments.bytes(2)
        try lent { (context) throws(LogError) in try Self.put(key, bytes, &context) }
        return .nil
    }

    private static func put(
        _ key: Key, _ bytes: RawSpan, _ context: inout ReplayContext
    ) throws(LogError) {
        if TreeLog.ItemType.isCustom(key.type) {
            context.report.update(key.objectID) { $0.customItemCount += 1 }
        } else {
            try check(key, bytes, context)
        }
        try context.put(key, bytes)
    }

    /// What Linux would refuse to read must not be written.
    private static func check(
        _ key: Key, _ bytes: RawSpan, _ context: borrowing ReplayContext
    ) throws(LogError) {
        let volume = context.volume
        var checker = ItemChecker(
            CheckContext(
                sectorSize: volume.sectorSize, nodeSize: volume.nodeSize, generation: volume.superblock.generation,
                checksumSize: volume.superblock.checksumType.size, isLog: false, owner: context.subvolume,
                access: .writing))
        do { try checker.check(key: key, data: bytes) } catch { throw context.failure(from: error) }
    }

    private func replayNatively(_ arguments: borrowing LuaArguments) throws -> LuaValue {
        guard let handler = slot.handler else { throw APIError("there is no replay now") }
        let item = try arguments.viewContents(1)
        let key = Self.key(item.integers)
        if arguments.isNil(2) {
            // The bytes stay where they are while the call of the handler lasts, and with it this one.
            let bytes = item.bytes
            try lent { (context) throws(LogError) in try handler.replayNatively(key, bytes, &context) }
            return .nil
        }
        let bytes = try arguments.bytes(2)
        try lent { (context) throws(LogError) in
            if !TreeLog.ItemType.isCustom(key.type) { try Self.check(key, bytes, context) }
            try handler.replayNatively(key, bytes, &context)
        }
        return .nil
    }

    private static func fileName(_ arguments: borrowing LuaArguments, _ place: Int) throws -> [UInt8] {
        let name = try arguments.bytes(place).copied
        let isRight = (1...255).contains(name.count) && !name.contains(0) && !name.contains(UInt8(ascii: "/"))
            && name != Array(".".utf8) && name != Array("..".utf8)
        guard isRight else { throw APIError("a name has 1 to 255 bytes, and no slash or zero byte") }
        return name
    }

    private static func link(
        _ name: [UInt8], _ inode: ObjectID, _ directory: ObjectID, _ context: inout ReplayContext
    ) throws(LogError) -> Bool {
        guard let item = try context.inode(inode) else { throw context.failure(.missingInode(inode)) }
        guard try context.inode(directory)?.isDirectory == true else {
            throw context.failure(.missingDirectory(directory))
        }
        let index = try context.freeIndex(in: directory)
        let result = try context.addLink(
            name.rawSpan, at: index, to: inode, type: item.fileType, in: directory, backReference: .add)
        context.fixUp(inode)
        switch result {
        case .added: return true
        case .nameExists, .referenceExists: return false
        default: throw context.failure(.refused("the name cannot be added: \(result)"))
        }
    }

    private func report(
        _ level: ExtensionReport.Message.Level, _ arguments: borrowing LuaArguments
    ) throws -> LuaValue {
        guard let format = level == .note ? notes : warnings else { return .nil }
        var values: [LuaValue] = []
        for place in 1..<max(1, arguments.count) { values.append(try arguments.value(place)) }
        _ = try vm.callMany(format, values)
        return .nil
    }
}

extension LuaValue {
    fileprivate init(_ bytes: [UInt8]?) { self = bytes.map { .string($0) } ?? .nil }
}

extension LuaTable {
    fileprivate init(_ number: ObjectID, _ inode: InodeItem) {
        func unsigned(_ value: UInt64) -> LuaValue { .integer(Int64(bitPattern: value)) }
        self.init(fields: [
            ("objectid", .objectID(number)), ("type", .text(inode.fileType.word)), ("size", unsigned(inode.size)),
            ("nbytes", unsigned(inode.nbytes)), ("nlink", .integer(Int64(inode.nlink))),
            ("mode", .integer(Int64(inode.mode))), ("uid", .integer(Int64(inode.uid))),
            ("gid", .integer(Int64(inode.gid))), ("rdev", unsigned(inode.rdev)),
            ("flags", unsigned(inode.flags.rawValue)), ("generation", unsigned(inode.generation)),
            ("transid", unsigned(inode.transid)), ("sequence", unsigned(inode.sequence)),
            ("atime", .table(LuaTable(inode.atime))), ("ctime", .table(LuaTable(inode.ctime))),
            ("mtime", .table(LuaTable(inode.mtime))), ("otime", .table(LuaTable(inode.otime))),
        ])
    }
}

extension DirEntryType {
    fileprivate var word: String {
        switch self {
        case .regularFile: "file"
        case .directory: "directory"
        case .symlink: "symlink"
        case .characterDevice: "character"
        case .blockDevice: "block"
        case .fifo: "fifo"
        case .socket: "socket"
        default: "unknown"
        }
    }
}
