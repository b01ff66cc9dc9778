import BlockDevices
import BtrfsFormat
import BtrfsVolume
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// A filter sees each item once, before its handler, and what it says is done.
@Suite struct FilterTests {
    private func filtered(
        _ body: String, _ more: String = "", on name: String = "create_fsync"
    ) throws -> (transaction: Transaction, report: ReplayReport) {
        let plugin = try plugin(
            parts: """
                parts.policies = { treelog.replay_policy { name = "p", \(more) filter = function(item,
                    state) \(body) end } }
                """)
        return try replay(try Corpus.image(named: name).load(), plugin, policy: "p")
    }

    @Test func itSeesTheItemsOfItsKinds() throws {
        let (_, report) = try filtered("treelog.note('%s %s', treelog.key_string(item), item.path)")
        let texts = report.extensions[0].messages.map(\.text)
        #expect(texts.contains { $0.contains("INODE_ITEM 0)") })
        #expect(texts.contains { $0.contains("EXTENT_DATA") })
        #expect(texts.count == 3)
        let (_, some) = try filtered("treelog.note(item.type)", "filter_kinds = { 'INODE_REF' },")
        #expect(some.extensions[0].messages.map(\.text) == ["INODE_REF"])
        #expect(some.extensions[0].messages[0].place.key?.type == .inodeRef)
    }

    @Test func anItemIsLeftOut() throws {
        let (_, report) = try filtered("if item.kind == treelog.kinds.EXTENT_DATA then return 'ignore', 'no data' end")
        #expect(report.isPartial)
        #expect(report.skipped.map(\.reason) == ["no data"])
        #expect(report.subvolumes.flatMap(\.inodes).allSatisfy { $0.extentCount == 0 })
    }

    @Test func anInodeIsLeftOut() throws {
        let (_, report) = try filtered(
            "if item.kind == treelog.kinds.EXTENT_DATA then return 'ignore_inode' end return 'continue'")
        #expect(report.restartCount == 1)
        #expect(report.skipped.count == 1)
        #expect(report.subvolumes.flatMap(\.inodes).allSatisfy { !$0.isLogged || !$0.isNew })
    }

    @Test func theReplayIsStopped() throws {
        let error = #expect(throws: LogError.self) { try filtered("return 'stop', 'not today'") }
        #expect("\(error.map { "\($0)" } ?? "")".contains("policy 'p' stopped at this item: not today"))
        #expect(error?.place.key != nil)
    }

    @Test func anItemIsReplaced() throws {
        let (transaction, report) = try filtered(
            """
            if item.kind == treelog.kinds.INODE_ITEM and item:decode().nlink == 1 then
              local bytes = item:bytes()
              return 'replace', bytes:sub(1, 52) .. ('<I4'):pack(33024) .. bytes:sub(57)
            end
            """)
        let inode = try #require(report.subvolumes.flatMap(\.inodes).first { $0.isNew })
        let names = Namespace(try #require(try transaction.tree(.fileTree)))
        #expect(try names.inode(inode.inode)?.mode == 0o100400)
    }

    @Test(arguments: [
        ("return 'contine'", "(did you mean \"continue\"?)"), ("return 5", "it returned a number"),
        ("return 'replace'", "\"replace\" needs the bytes of the item"), ("item.x = 1", "cannot be changed"),
        ("return item.sze", "an item has no field 'sze' (did you mean 'size'?)"),
        ("return item:u64(200)", "lie outside the item"),
        ("treelog.item_type {}", "treelog.item_type cannot be called in a filter, only while the plugin loads"),
        ("error { 1 }", "an error that is no text: table"),
    ])
    func whatItDoesWrongEndsTheReplay(_ body: String, _ problem: String) throws {
        let error = #expect(throws: LogError.self) { try filtered(body) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(problem), "\(text)")
        #expect(text.contains("plugin 'test', filter of policy p"))
        #expect(error?.place.key != nil)
    }

    @Test func stateIsNewInEachRun() throws {
        let (_, report) = try filtered(
            """
            state.count = state.count + 1
            treelog.note("%d of %d", state.count, state.max)
            if item.kind == treelog.kinds.EXTENT_DATA then return 'ignore_inode' end
            """,
            "options = { max = 9 }, begin = function(options) return { count = 0, max = options.max } end,")
        #expect(report.restartCount == 1)
        #expect(report.extensions[0].messages.allSatisfy { $0.text.hasSuffix("of 9") })
        #expect(report.extensions[0].messages.isEmpty || report.extensions[0].messages[0].text == "1 of 9")
    }

    @Test func aReplayKnowsNothingOfCallsBeforeIt() throws {
        let plugin = try plugin(
            parts: """
                local count = 0
                local item = treelog.item_type {
                  name = "I", kind = 97, fields = { u8 "a" },
                  describe = function() count = count + 1 return "call " .. count end,
                }
                parts.items = { item }
                parts.policies = { treelog.replay_policy {
                  name = "p", filter = function() treelog.note("%d", count) count = count + 1 end,
                } }
                """)
        let type = try #require(plugin.itemTypes.first)
        for _ in 1...2 {
            #expect(type.describe(Key(ObjectID(257), KeyType(97), 0), [UInt8]([1]).rawSpan).hasPrefix("call "))
            let (_, report) = try replay(try Corpus.image(named: "create_fsync").load(), plugin, policy: "p")
            #expect(report.extensions[0].messages.map(\.text) == ["0", "1", "2"])
        }
    }
}
