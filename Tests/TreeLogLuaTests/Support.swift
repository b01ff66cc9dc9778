import BlockDevices
import BtrfsFormat
import BtrfsVolume
import Foundation
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// A plugin from text.
func plugin(_ text: String, files: [String: String] = [:], limits: LuaLimits = LuaLimits()) throws -> Plugin {
    var all = files.mapValues { Array($0.utf8) }
    all["plugin.lua"] = Array(text.utf8)
    return try Plugin(PluginSource(named: "test", files: all), limits: limits)
}

/// A plugin with one definition of each kind in `body`, which sets a local `parts`.
func plugin(parts body: String, limits: LuaLimits = LuaLimits()) throws -> Plugin {
    try plugin(
        """
        local u8, u16, u32, u64 = treelog.u8, treelog.u16, treelog.u32, treelog.u64
        local i8, i16, i32, i64 = treelog.i8, treelog.i16, treelog.i32, treelog.i64
        local bytes, time, key, array, struct = treelog.bytes, treelog.time, treelog.key, treelog.array, treelog.struct
        local parts = {}
        \(body)
        return treelog.plugin {
          name = "test", version = "1.0.0", api = 1,
          items = parts.items, policies = parts.policies, processes = parts.processes,
        }
        """, limits: limits)
}

/// The problems of a plugin that must not load.
func problems(_ text: String, files: [String: String] = [:]) -> [String] {
    do {
        _ = try plugin(text, files: files)
        return []
    } catch let error as PluginError {
        return error.problems.map(\.description)
    } catch {
        return ["\(error)"]
    }
}

/// Replays a volume with a plugin.
func replay(
    _ devices: [MemoryDevice], _ plugin: Plugin, policy: String = "mainline"
) throws -> (transaction: Transaction, report: ReplayReport) {
    var registry = Registry.mainline
    try plugin.register(in: &registry)
    let options = ReplayOptions(now: Timestamp(seconds: 1_700_000_000, nanoseconds: 0))
    return try Replayer(try Volume(opening: devices), registry: registry, policy: policy, options: options).run()
}

extension Tree {
    /// A copy of an item.
    func bytes(_ key: Key) throws -> [UInt8]? {
        let cursor = makeCursor()
        guard try cursor.seek(key) else { return nil }
        return cursor.data.copied
    }
}

/// A copy of an item of the top-level subvolume.
func committedBytes(_ key: Key, on devices: [MemoryDevice]) throws -> [UInt8]? {
    try Volume(opening: devices).tree(.fileTree)?.bytes(key)
}

/// Writes a file of a folder, with the folders on the way.
func write(_ text: String, to folder: String, _ path: String) throws {
    let url = URL(filePath: folder + "/" + path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: url, atomically: false, encoding: .utf8)
}
