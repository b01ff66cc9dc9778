import BlockDevices
import BtrfsFormat
import BtrfsVolume
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// A replay function in Lua can do what a native handler can, through the same context.
@Suite struct HandlerTests {
    static let key = Key(ObjectID(256), KeyType(97), 3)

    /// Replays one custom item on top of a log of the corpus.
    private func replayed(
        _ definition: String, bytes: [UInt8] = [5, 0, 0, 0, 0, 0, 0, 0], image: String = "create_fsync",
        key: Key = HandlerTests.key
    ) throws -> (transaction: Transaction, report: ReplayReport) {
        let plugin = try plugin(
            parts: """
                local t
                t = treelog.item_type { name = "T", kind = 97, fields = { u64 "n" }, \(definition) }
                parts.items = { t }
                """)
        let devices = try Corpus.image(named: image).load()
        var log = try LogBuilder(devices, startingWith: .presentLog)
        log.add(key, bytes)
        try log.write()
        return try replay(devices, plugin)
    }

    /// The inode that the log brings.
    private static func newInode() throws -> ObjectID {
        let (_, report) = try Replayer(try Volume(opening: try Corpus.image(named: "create_fsync").load())).run()
        return try #require(report.subvolumes.flatMap(\.inodes).first { $0.isNew }?.inode)
    }

    @Test func itEditsThroughTheContext() throws {
        let (transaction, report) = try replayed(
            """
            replay = function(item, context)
              assert(item.n == 5 and item.offset == 3 and item.size == 8 and item.type == "T" and item.subvolume == 5)
              assert(context:logged(item) == item:bytes() and context:committed(item) == nil)
              assert(context.stage == "all" and context.subvolume == 5 and context.generation > 0)
              assert(context:exists(256) and not context:exists(999999))
              local root = context:inode(256)
              assert(root.type == "directory" and root.nlink == 1 and root.mtime.seconds > 0)
              assert(context:inode(999999) == nil)
              assert(context:path(256) == "" and #context:logged_items(256, 97) == 1)
              context:put(item)
              context:put(t:key(256, 4), t:encode { n = 6 })
              context:put(treelog.key(256, 97, 5), "12345678")
              assert(context:remove(treelog.key(256, 97, 5)) and not context:remove(treelog.key(256, 97, 5)))
              local items = context:committed_items(256, 97)
              assert(#items == 2 and items[2].offset == 4 and t:decode(items[2].bytes).n == 6)
              context:note("%d items", #items)
              return "done"
            end
            """)
        let tree = try #require(try transaction.tree(.fileTree))
        #expect(try tree.bytes(Self.key)?.first == 5)
        #expect(try tree.bytes(Key(ObjectID(256), KeyType(97), 4))?.first == 6)
        #expect(report.extensions[0].messages.map(\.text) == ["2 items"])
        #expect(report.extensions[0].messages[0].place.key == Self.key)
        #expect(report.handlers.contains { $0.itemType == "T" && $0.handler == "T of plugin test" })
    }

    @Test func itGivesAndTakesNames() throws {
        let (transaction, report) = try replayed(
            """
            replay = function(item, context)
              local inode = item.inode
              local name = context:names(inode)[1]
              assert(context:lookup(name.directory, name.name) == inode)
              assert(context:link(name.directory, "second name", inode))
              assert(not context:link(name.directory, "second name", inode))
              context:unlink(name.directory, name.name, inode)
              assert(context:lookup(name.directory, name.name) == nil and context:path(inode) == "second name")
            end
            """, key: Key(try Self.newInode(), KeyType(97), 0))
        let inode = try #require(report.subvolumes.flatMap(\.inodes).first { $0.removedNameCount > 0 }?.inode)
        let names = Namespace(try #require(try transaction.tree(.fileTree)))
        #expect(try names.names(of: inode).map { String(decoding: $0.name, as: UTF8.self) } == ["second name"])
        #expect(try names.inode(inode)?.nlink == 1)
        try transaction.commit()
    }

    @Test func itMayGoOnNatively() throws {
        let (transaction, _) = try replayed(
            "replay = function(item, context) context:native(item, t:encode { n = item.n + 1 }) end")
        #expect(try transaction.tree(.fileTree)?.bytes(Self.key)?.first == 6)
        let (copied, _) = try replayed("replay = function(item, context) context:native(item) end")
        #expect(try copied.tree(.fileTree)?.bytes(Self.key)?.first == 5)
    }

    @Test func aBuiltInTypeIsWrapped() throws {
        let image = try Corpus.image(named: "create_fsync")
        let plugin = try plugin(
            parts: """
                parts.items = { treelog.item_type { name = "INODE_ITEM", kind = "INODE_ITEM", override = true,
                  replay = function(item, context) context:note(item:describe()) context:native(item) end } }
                """)
        let (transaction, report) = try replay(try image.load(), plugin)
        let (native, _) = try Replayer(try Volume(opening: try image.load())).run()
        #expect(report.extensions[0].messages.count == image.logItems["INODE_ITEM"])
        let inode = try #require(report.subvolumes.flatMap(\.inodes).first { $0.isNew }?.inode)
        let key = Key(inode, .inodeItem, 0)
        #expect(try transaction.tree(.fileTree)?.bytes(key) == native.tree(.fileTree)?.bytes(key))
        #expect(report.handlers.first { $0.keyType == .inodeItem }?.stage == .inodes)
    }

    @Test func whatIsNotValidIsADamagedItem() throws {
        for body in ["error 'n is five'", "return false, 'n is five'"] {
            let error = #expect(throws: LogError.self) { try replayed("validate = function(item) \(body) end") }
            guard case .format = error?.cause else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(error.map { "\($0)" }?.contains("n is five") == true)
            #expect(error?.conflictKind == .damagedItem)
        }
        #expect(throws: LogError.self) { try replayed("", bytes: [1, 2, 3]) }
        let error = #expect(throws: LogError.self) { try replayed("validate = function() while true do end end") }
        #expect(error?.conflictKind == nil)
    }

    @Test(arguments: [
        ("context:put(treelog.key(256, 'INODE_ITEM', 0), 'x')", "INODE_ITEM"), ("return 'dne'",
            "did you mean \"done\"?"),
        ("context:link(256, 'a/b', 257)", "no slash"), ("context:put({})", "is no key"),
        ("pcall(context.link, context, 999999, 'a', 256)", "directory 999999"),
        ("pcall(context.unlink, context, 256, 'a', 999999)", "inode 999999"), ("context:comitted(item)", "committed"),
        ("return 'stop', 'enough'", "stopped: enough"), ("context:put(treelog.key(256, 97, 0))",
            "item expected, got table"),
    ])
    func whatFailsEndsTheReplay(_ body: String, _ problem: String) throws {
        let error = #expect(throws: LogError.self) {
            try replayed("replay = function(item, context) \(body) end")
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(problem), "\(text)")
        #expect(error?.place.key == Self.key)
    }

    @Test func aContextIsOfNoUseInAResolver() throws {
        let devices = try Corpus.image(named: "create_fsync").load()
        let plugin = try plugin(
            parts: """
                local kept
                parts.items = { treelog.item_type { name = "T", kind = 97,
                  replay = function(item, context) kept = context context:native(item) end,
                  resolve = function(logged, committed) kept:put(logged) end } }
                """)
        for value in [UInt8(1), 2] {
            var log = try LogBuilder(devices)
            log.add(Self.key, [value])
            try log.write()
            if value == 1 {
                try replay(devices, plugin).transaction.commit()
            } else {
                let error = #expect(throws: LogError.self) { try replay(devices, plugin) }
                let text = error.map { "\($0)" } ?? ""
                #expect(text.contains("cannot be called in a resolve function, only in a replay function"), "\(text)")
            }
        }
    }

    @Test func anInodeIsSkippedByItsHandler() throws {
        let (_, report) = try replayed("replay = function() return 'skip', 'not wanted' end")
        #expect(report.skipped.map(\.reason) == ["not wanted"])
    }
}
