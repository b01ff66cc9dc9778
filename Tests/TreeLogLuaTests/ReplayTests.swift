import BlockDevices
import BtrfsFormat
import BtrfsVolume
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// Item types and policies in Lua decide in real replays: what they say happens, and what goes wrong in them
/// leaves the volume as it was.
@Suite struct ReplayTests {
    static let counter = """
        local i64 = treelog.i64
        local counter
        counter = treelog.item_type {
          name = "COUNTER", kind = 97, optional = true, stage = "all",
          doc = "A value and the value it was based on.",
          fields = { i64 "base", i64 "value" },
          describe = function(item) return ("%d (from %d)"):format(item.value, item.base) end,
          resolve = function(logged, committed)
            return "merge", counter:encode { base = logged.value,
                value = committed.value + (logged.value - logged.base) }
          end,
        }
        return treelog.plugin { name = "counter", version = "1.0.0", api = 1, summary = "Counters.",
            items = { counter } }
        """

    static func pair(_ base: Int64, _ value: Int64) -> [UInt8] {
        [UInt8](byteCount: 16) { (span: inout MutableRawSpan) in
            span.store(base, at: 0)
            span.store(value, at: 8)
        }
    }

    @Test func countersMerge() throws {
        let devices = try Corpus.image(named: "create_fsync").load()
        let key = Key(ObjectID(256), KeyType(97), 0)
        let plugin = try plugin(Self.counter)
        for (base, value) in [(Int64(0), Int64(10)), (4, 9)] {
            var log = try LogBuilder(devices)
            log.add(key, Self.pair(base, value))
            try log.write()
            try replay(devices, plugin).transaction.commit()
        }
        let bytes = try #require(try committedBytes(key, on: devices))
        #expect(bytes == Self.pair(9, 15))
        let text = plugin.itemTypes[0].describe(key, bytes.rawSpan)
        #expect(text == "15 (from 9)")
    }

    @Test func aPolicyKeepsBothFiles() throws {
        let devices = try Corpus.image(named: "conflict_unlink_recreate").load()
        let plugin = try plugin(
            """
            local keep_both = treelog.replay_policy {
              name = "keep-both", base = "mainline",
              resolve = {
                name = function(conflict)
                  return "keep_both", ("%s.conflict-%d"):format(conflict.name, conflict.committed.inode)
                end,
              },
            }
            return treelog.plugin { name = "keep-both", version = "1.0.0", api = 1, policies = { keep_both } }
            """)
        let (transaction, report) = try replay(devices, plugin, policy: "keep-both")
        let rename = try #require(report.subvolumes.flatMap(\.renames).first)
        let names = Namespace(try #require(try transaction.tree(.fileTree)))
        #expect(try names.names(of: rename.inode).first?.name == rename.name)
        #expect(String(decoding: rename.name, as: UTF8.self).hasSuffix(".conflict-\(rename.inode)"))
        #expect(report.extensions.map(\.name) == ["keep-both"])
        #expect(report.extensions[0].scripts.map(\.path) == ["plugin.lua"])
        #expect(report.extensions[0].scripts[0].sha256.count == 64)
        try transaction.commit()
    }

    /// The log of a test of a plugin has as many leaves as its items take.
    @Test func testsOfPluginsLogManyItems() throws {
        let files = [
            "plugin.lua": """
                local blob = treelog.item_type { name = "BLOB", kind = 97, optional = true }
                return treelog.plugin { name = "test", version = "1.0.0", api = 1, items = { blob } }
                """,
            "test.lua": """
                return {
                  many = function(t)
                    local volume = t:volume()
                    for i = 0, 999 do volume:log("BLOB", 257, i, ("%04d"):format(i):rep(25)) end
                    volume:replay()
                    for i = 0, 999 do treelog.expect_equal(volume:get("BLOB", 257, i), ("%04d"):format(i):rep(25)) end
                  end,
                }
                """,
        ]
        let tester = try PluginTester(PluginSource(named: "test", files: files.mapValues { Array($0.utf8) }))
        #expect(tester.run("many").failure == nil)
    }
}
