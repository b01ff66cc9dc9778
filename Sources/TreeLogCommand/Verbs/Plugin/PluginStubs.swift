internal import ArgumentParser
internal import TreeLogLua

/// `treelog plugin stubs`
struct PluginStubs: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stubs",
        abstract: "Writes what editors and linters need to know of the API.",
        usage: "treelog plugin stubs [--luacheck]",
        discussion: """
            EXAMPLES
              treelog plugin stubs > meta/treelog.lua           for the Lua language server
              treelog plugin stubs --luacheck > .luacheckrc     for luacheck
            """)

    @Flag(help: "Write a .luacheckrc instead of stubs.")
    var luacheck = false

    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        console.write(luacheck ? StubGenerator.luacheckConfiguration() : StubGenerator.luaLS())
        return .done
    }
}
