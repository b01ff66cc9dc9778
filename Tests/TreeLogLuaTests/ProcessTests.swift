import BtrfsFormat
import BtrfsVolume
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// A process function visits every block and item of all logs, and writes nothing but its output.
@Suite struct ProcessTests {
    private func output(_ definition: String, limits: LuaLimits = LuaLimits()) throws -> String {
        let plugin = try plugin(
            parts: "parts.processes = { treelog.process { name = \"p\", \(definition) } }", limits: limits)
        let volume = try Volume(opening: try Corpus.image(named: "mix_a.n4096").load())
        var text: [UInt8] = []
        try plugin.processes[0].run(over: volume) { text += $0 }
        return String(decoding: text, as: UTF8.self)
    }

    @Test func itCountsItems() throws {
        let image = try Corpus.image(named: "mix_a.n4096")
        let text = try output(
            """
            begin = function() return { kinds = {}, blocks = 0, items = 0 } end,
            block = function(block, state)
              state.blocks = state.blocks + 1
              if block.level == 0 then state.items = state.items + block.count end
              assert(block.address > 0 and block.generation > 0)
            end,
            item = function(item, state)
              local name = item.type
              state.kinds[name] = (state.kinds[name] or 0) + 1
              state.items = state.items - 1
              assert(item.block > 0 and item.slot >= 0)
              if item.kind == treelog.kinds.INODE_ITEM and item.subvolume == 5 then
                treelog.write(treelog.csv { item.path, item.inode })
              end
            end,
            finish = function(state)
              assert(state.items == 0)
              treelog.write(treelog.json(state.kinds), "\\n", state.blocks)
            end,
            """)
        let lines = text.split(separator: "\n")
        let json = try #require(lines.dropLast().last)
        for (name, count) in image.logItems { #expect(json.contains("\"\(name)\":\(count)"), "\(json)") }
        #expect(lines.count == 2 + (image.logItems["INODE_ITEM"] ?? 0))
    }

    @Test func itsOutputIsLimited() throws {
        var limits = LuaLimits()
        limits.outputBytes = 100
        #expect(throws: LogError.self) {
            try output("item = function() treelog.write(('x'):rep(60)) end", limits: limits)
        }
        let text = try output("kinds = { 'XATTR_ITEM' }, item = function(item) treelog.write(item.type) end",
            limits: limits)
        #expect(text == "XATTR_ITEM")
    }

    @Test func itsErrorsNameTheItem() throws {
        let error = #expect(throws: LogError.self) {
            try output("kinds = { 'XATTR_ITEM' }, item = function(item) error('no ' .. item.type) end")
        }
        #expect(error?.place.key?.type == .xattrItem)
        #expect(error.map { "\($0)" }?.contains("no XATTR_ITEM") == true)
    }
}
