public import LuaRuntime
internal import TreeLog

/// Runs the tests of a plugin: the functions of the table that its `test.lua` returns.
///
/// ```lua
/// return {
///   ["both increments are kept"] = function(t)
///     local word, merged = t:resolve("COUNTER", { base = 4, value = 9 }, { base = 0, value = 10 })
///     treelog.expect_equal(merged.value, 15)
///   end,
/// }
/// ```
///
/// Each test runs in a machine of its own, so their order does not matter: it is that of their names.
public struct PluginTester {
    /// What became of a test.
    public struct Result: Equatable, Sendable {
        public var name: String
        /// What is wrong, with its place; nil when it passed.
        public var failure: String?
    }

    private let source: PluginSource
    private let limits: LuaLimits
    /// The names of the tests, in order.
    public let names: [String]

    /// Loads the plugin and its tests.
    ///
    /// - Throws: `PluginError` when one of them does not load, or there are no tests.
    public init(_ source: PluginSource, limits: LuaLimits = LuaLimits()) throws(PluginError) {
        self.source = source
        self.limits = limits
        let plugin = try Plugin(source, limits: limits)
        let tests = try Tests(plugin, source, limits)
        names = tests.functions.map(\.name).sorted()
        if names.isEmpty { throw PluginError("there are no tests in it", at: source.place(Self.file)) }
    }

    static let file = "test.lua"

    /// Runs a test by its name.
    public func run(_ name: String) -> Result {
        var plugin: Plugin?
        do {
            let loaded = try Plugin(source, limits: limits)
            plugin = loaded
            let tests = try Tests(loaded, source, limits)
            guard let function = tests.functions.first(where: { $0.name == name })?.function else {
                return Result(name: name, failure: "there is no such test")
            }
            _ = try loaded.machine.call("test", .test) { () throws(LuaError) in
                try loaded.vm.callMany(function, [tests.object])
            }
            return Result(name: name)
        } catch let error as LogError {
            return Result(name: name, failure: Self.text(of: error, in: plugin?.name ?? ""))
        } catch {
            return Result(name: name, failure: "\(error)")
        }
    }

    /// Without the words that say that it is a plugin and a test, and without the traceback.
    private static func text(of error: LogError, in plugin: String) -> String {
        guard case .plugin(let text) = error.cause else { return "\(error)" }
        let prefix = "plugin '\(plugin)', test: "
        let lines = text.split(separator: "\n").prefix { !$0.hasPrefix("stack traceback") }
        let message = lines.joined(separator: "\n")
        return message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message
    }
}

/// The tests in one machine.
private struct Tests {
    let host: TestHost
    /// What tests are given.
    let object: LuaValue
    let functions: [(name: String, function: LuaReference)]

    init(_ plugin: Plugin, _ source: PluginSource, _ limits: LuaLimits) throws(PluginError) {
        let place = source.place(PluginTester.file)
        guard let text = source.files[PluginTester.file] else { throw PluginError("there is no test.lua", at: place) }
        host = TestHost(source, limits)
        let vm = plugin.vm
        do {
            try host.define(in: vm)
            let table = try vm.call(try vm.load(Array(TestPrelude.source.utf8), name: "treelog")).table
            try Expectations.define(in: vm)
            try vm.define("treelog_test", value: .nil)
            object = table?["test"] ?? .nil
            plugin.machine.phase = .test
            guard let tests = try vm.call(try vm.load(text, name: PluginTester.file)).table else {
                throw PluginError("it must return a table of functions by name", at: place)
            }
            functions = tests.entries.compactMap { entry in
                guard let name = entry.key.text, let function = entry.value.function else { return nil }
                return (name, function)
            }
            guard functions.count == tests.entries.count else {
                throw PluginError("it must return a table of functions by name", at: place)
            }
        } catch let error as PluginError {
            throw error
        } catch let error as LuaError {
            let (line, text) = PluginMachine.split(error.message)
            throw PluginError(text, at: source.place(line.isEmpty ? PluginTester.file : line))
        } catch { throw PluginError("\(error)", at: place) }
    }
}
