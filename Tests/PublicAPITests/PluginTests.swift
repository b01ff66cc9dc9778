import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// A plugin can do all that the built-in parts can: everything here is public API, imported plainly.
@Suite struct PluginTests {
    /// What was called, and how often.
    final class Calls {
        var counts: [String: Int] = [:]
        func note(_ what: String) { counts[what, default: 0] += 1 }
    }

    /// Items of a type of its own: a value and the value it was based on. Where log and volume disagree, no increment
    /// of either gets lost.
    struct CounterHandler: ReplayHandler, ItemDescriber, ItemValidator {
        static let keyType = KeyType(97)
        let calls: Calls
        var stage: ReplayStage { .everything }

        func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
            calls.note("handler")
            guard try context.inodeExists(item.key.objectID) else {
                throw context.failure(.missingInode(item.key.objectID))
            }
            let before = try context.committedBytes(item.key)
            let committed: UInt64
            let base: UInt64
            let value: UInt64
            do {
                committed = try before?.rawSpan.u64(at: 8) ?? 0
                base = try item.data.u64(at: 0)
                value = try item.data.u64(at: 8)
            } catch { throw context.failure(from: error) }
            try context.put(item.key, Self.counter(base: value, value: committed &+ (value &- base)).rawSpan)
        }

        func describe(key: Key, data: RawSpan) -> String {
            (try? "\(data.u64(at: 8)) (from \(data.u64(at: 0)))") ?? "damaged"
        }

        func validate(key: Key, data: RawSpan) throws(FormatError) {
            calls.note("validator")
            guard data.byteCount == 16 else { throw FormatError.invalid("a counter has 16 bytes") }
        }

        static func counter(base: UInt64, value: UInt64) -> [UInt8] {
            [UInt8](byteCount: 16) { (span: inout MutableRawSpan) in
                span.store(base, at: 0)
                span.store(value, at: 8)
            }
        }
    }

    /// Wraps a built-in handler.
    struct CountingHandler: ReplayHandler {
        let base: any ReplayHandler
        let calls: Calls
        var stage: ReplayStage { base.stage }

        func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
            calls.note("inode item")
            try base.replay(item, in: &context)
        }
    }

    /// Looks at each leaf and then lets the built-in function replay it.
    struct CountingBlocks: ProcessFunction {
        let calls: Calls

        func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
            calls.note("block in stage \(control.stage)")
            if block.level == 0 {
                do {
                    let leaf = LeafView(try block.read())
                    calls.counts["items", default: 0] += try leaf.count
                } catch let error as FormatError {
                    throw LogError(.format(error), at: block.place)
                } catch let error as LogError {
                    throw error
                } catch {
                    throw LogError(.plugin("\(error)"), at: block.place)
                }
            }
            try ReplayBlocks().process(block, control)
        }
    }

    /// No file loses its name to another.
    struct KeepBoth: ConflictResolver {
        let calls: Calls

        func resolve(_ conflict: Conflict) throws(LogError) -> Resolution {
            calls.note("resolver")
            guard let name = conflict.name, let loser = conflict.committed?.inode, conflict.path != nil else {
                return conflict.mainline
            }
            return .keepBoth(name: name + Array(".conflict-\(loser)".utf8))
        }
    }

    private static func run(
        _ devices: [MemoryDevice], _ registry: Registry, policy: String = "mainline"
    ) throws -> (transaction: Transaction, report: ReplayReport) {
        try Replayer(try Volume(opening: devices), registry: registry, policy: policy).run()
    }

    @Test func anItemTypeOfAPluginIsReplayedByItsHandler() throws {
        let devices = try Corpus.image(named: "create_fsync").load()
        var log = try LogBuilder(devices, startingWith: .presentLog)
        let inode = try #require(log.items[.fileTree]?.first { $0.key.type == .inodeItem }?.key.objectID)
        log.add(Key(inode, CounterHandler.keyType, 1), CounterHandler.counter(base: 40, value: 42))
        try log.write()

        let calls = Calls()
        let handler = CounterHandler(calls: calls)
        var registry = Registry.mainline
        let type = ItemType(
            name: "COUNTER", keyType: CounterHandler.keyType, summary: "A counter.", requirement: .optional,
            handler: handler, describer: handler, validator: handler)
        try registry.itemTypes.register(type)
        let (transaction, report) = try Self.run(devices, registry)
        #expect(calls.counts == ["handler": 1, "validator": 1])
        #expect(report.handlers.contains { $0.itemType == "COUNTER" && $0.handler == "CounterHandler" })
        let cursor = try #require(try transaction.tree(.fileTree)).makeCursor()
        #expect(try cursor.seek(Key(inode, CounterHandler.keyType, 1)))
        #expect(handler.describe(key: cursor.key, data: cursor.data) == "2 (from 42)")
        try transaction.commit()
        #expect(try Volume(opening: devices).superblock.logRoot == LogicalAddress(0))
    }

    @Test func customItemsOfBothSidesGoToTheTypesResolver() throws {
        struct Merge: ConflictResolver {
            func resolve(_ conflict: Conflict) throws(LogError) -> Resolution {
                .replace((conflict.committed?.bytes ?? []) + (conflict.logged?.bytes ?? []))
            }
        }
        let devices = try Corpus.image(named: "create_fsync").load()
        var registry = Registry.mainline
        try registry.itemTypes.register(
            .custom(name: "NOTES", keyType: KeyType(98), stage: .everything, resolver: Merge()))
        let key = Key(ObjectID(256), KeyType(98), 0)
        for text in ["first", "second"] {
            var log = try LogBuilder(devices)
            log.add(key, Array(text.utf8))
            try log.write()
            try Self.run(devices, registry).transaction.commit()
        }
        let cursor = try #require(try Volume(opening: devices).tree(.fileTree)).makeCursor()
        #expect(try cursor.seek(key))
        #expect(cursor.data.copied == Array("firstsecond".utf8))
    }

    @Test func aProcessFunctionSeesEveryBlockOfEveryStage() throws {
        let image = try Corpus.image(named: "mix_a.n4096")
        let calls = Calls()
        var registry = Registry.mainline
        try registry.register(CountingBlocks(calls: calls), as: "replay", .override)
        let (transaction, report) = try Self.run(try image.load(), registry)
        _ = transaction
        for stage in [ReplayStage.inodes, .directoryIndex, .everything] {
            #expect(calls.counts["block in stage \(stage)", default: 0] > 0)
        }
        #expect(calls.counts["items"] == 3 * report.subvolumes.reduce(0) { $0 + $1.itemCount })
    }

    @Test func aWalkRunsAnyProcessFunction() throws {
        struct Collect: ProcessFunction {
            let calls: Calls
            func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
                calls.note(block.level == 0 ? "leaf" : "node")
            }
        }
        let volume = try Volume(opening: try Corpus.image(named: "mix_a.n4096").load())
        let forest = try #require(try LogForest(of: volume))
        let calls = Calls()
        let walk = LogWalk()
        let control = WalkControl(stage: .pin, process: Collect(calls: calls))
        for entry in forest.entries { try walk.run(over: try forest.open(entry), control) }
        #expect(calls.counts["leaf", default: 0] > 0)
        #expect(walk.blockCount == calls.counts.values.reduce(0, +))
    }

    @Test func aBuiltInHandlerCanBeReplaced() throws {
        let image = try Corpus.image(named: "conflict_rename_recreate")
        let calls = Calls()
        var registry = Registry.mainline
        var type = try #require(registry.itemTypes[.inodeItem])
        type.handler = CountingHandler(base: try #require(type.handler), calls: calls)
        #expect(throws: RegistryError.self) { try registry.itemTypes.register(type) }
        try registry.itemTypes.register(type, .override)
        _ = try Self.run(try image.load(), registry)
        #expect(calls.counts["inode item"] == image.logItems["INODE_ITEM"])
    }

    /// A handler sees each name in the size of its directory as soon as it is there.
    @Test func handlersSeeDirectoriesGrow() throws {
        struct Watcher: ReplayHandler {
            let base: any ReplayHandler
            let calls: Calls
            var stage: ReplayStage { base.stage }

            func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
                let directory = ObjectID(item.key.offset)
                let before = try context.inode(directory)?.size
                try base.replay(item, in: &context)
                let item = try context.inode(directory)
                #expect(try context.committedBytes(Key(directory, .inodeItem, 0)) == item?.encoded)
                if let before, let item, item.size != before { calls.note("\(directory): \(item.size)") }
            }
        }
        let devices = try Corpus.image(named: "create_fsync").load()
        var log = try LogBuilder(devices)
        for number in UInt64(0)..<3 {
            let inode = ObjectID(1000 + number)
            let time = Timestamp(seconds: 1, nanoseconds: 0)
            let item = InodeItem(generation: log.generation, mode: 0o100644, nlink: 1, time: time)
            log.add(Key(inode, .inodeItem, 0), item.encoded)
            let name = Array("new\(number)".utf8)
            log.add(Key(inode, .inodeRef, 256), InodeRefs.entry(index: 100 + number, name: name.rawSpan))
        }
        try log.write()
        let calls = Calls()
        var registry = Registry.mainline
        var type = try #require(registry.itemTypes[.inodeRef])
        type.handler = Watcher(base: try #require(type.handler), calls: calls)
        try registry.itemTypes.register(type, .override)
        let (transaction, _) = try Self.run(devices, registry)
        let tree = try #require(try transaction.tree(.fileTree))
        let size = try #require(try Namespace(tree).inode(.firstFree)).size
        let grown = (UInt64(0)..<3).map { "256: \(size - 8 * $0)" }
        #expect(calls.counts.filter { $0.key.hasPrefix("256:") } == Dictionary(uniqueKeysWithValues: grown.map { ($0, 1) }))
    }

    @Test func aPolicyKeepsBothFiles() throws {
        let devices = try Corpus.image(named: "conflict_unlink_recreate").load()
        let before = VolumeFiles(try Volume(opening: devices))
        let calls = Calls()
        var registry = Registry.mainline
        try registry.register(
            Policy(
                name: "keep-both", summary: "Keeps both files.", resolvers: [.name: KeepBoth(calls: calls)]))
        let (transaction, report) = try Self.run(devices, registry, policy: "keep-both")
        let calledCount = calls.counts["resolver", default: 0]
        #expect(calledCount > 0)
        let rename = try #require(report.subvolumes.flatMap(\.renames).first)
        let names = Namespace(try #require(try transaction.tree(.fileTree)))
        #expect(try names.inode(rename.inode)?.nlink == 1)
        #expect(try before.namespace(of: .fileTree)?.names(of: rename.inode).first?.name != rename.name)
        #expect(try names.names(of: rename.inode).first?.name == rename.name)
        try transaction.commit()
    }

    @Test func anAnswerThatMakesNoSenseNamesTheResolver() throws {
        var registry = Registry.mainline
        try registry.register(
            Policy(name: "odd", resolvers: [.deletedName: FixedResolver(.keepBoth(name: [65]))]))
        let error = #expect(throws: LogError.self) {
            try Self.run(try Corpus.image(named: "dir_fsync_deletes").load(), registry, policy: "odd")
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("policy 'odd'"))
    }

    @Test func skippingAnInodeKeepsItAsItWas() throws {
        struct SkipFirst: ConflictResolver {
            func resolve(_ conflict: Conflict) throws(LogError) -> Resolution {
                conflict.inode == ObjectID(257) ? .skipInode : conflict.mainline
            }
        }
        let devices = try Corpus.image(named: "dir_fsync_deletes").load()
        var registry = Registry.mainline
        try registry.register(Policy(name: "careful", resolvers: [.inodeItem: SkipFirst()]))
        let (_, report) = try Self.run(devices, registry, policy: "careful")
        #expect(report.isPartial)
        #expect(report.skipped.contains { $0.what == .inode(ObjectID(257)) })
        #expect(report.restartCount == 1)
    }

    @Test func registrationRefusesWhatIsTakenOrReserved() throws {
        var registry = Registry.mainline
        #expect(throws: RegistryError.reservedKeyType(name: "X", KeyType(50))) {
            try registry.itemTypes.register(.custom(name: "X", keyType: KeyType(50)))
        }
        #expect(throws: RegistryError.duplicate("mainline")) { try registry.register(Policy(name: "mainline")) }
        #expect(throws: RegistryError.duplicate("pin")) { try registry.register(PinBlocks(), as: "pin") }
        #expect(throws: LogError.self) {
            try Self.run(try Corpus.image(named: "create_fsync").load(), registry, policy: "unheard of")
        }
    }

    @Test func aSummaryTellsWhatWouldBeLost() throws {
        let volume = try Volume(opening: try Corpus.image(named: "create_fsync").load())
        let summary = try #require(try LogSummary(of: volume))
        #expect(summary.newFileCount == 1 && summary.byteCount > 0)
        let file = try #require(summary.subvolumes.first?.inodes.first { $0.change == .new })
        #expect(file.path?.isEmpty == false)
    }
}
