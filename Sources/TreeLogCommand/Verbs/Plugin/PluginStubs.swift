internal import ArgumentParser
internal import TreeLogLua

/// `treelog plugin stubs`
struct PluginStubs: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stubs",
        abstract: "Writes what editors and linters need to know of the API.",
        usage: "treelog plugin stubs [--luacheck | --reference]",
        discussion: """
            EXAMPLES
              treelog plugin stubs > treelog.lua               for the Lua language server
              treelog plugin stubs --luacheck > .luacheckrc    for luacheck
              treelog plugin stubs --reference                 the API, for people
            """)

    @Flag(help: "Write a .luacheckrc instead of stubs.")
    var luacheck = false

    @Flag(help: "Write the reference as Markdown instead of stubs.")
    var reference = false

    @OptionGroup var format: OutputOptions

    func validate() throws {
        if luacheck, reference { throw ValidationError("--luacheck does not go with --reference") }
    }

    func perform(_ console: Console) throws -> Outcome {
        if reference {
            console.write(StubGenerator.reference())
        } else {
            console.write(luacheck ? StubGenerator.luacheckConfiguration() : StubGenerator.luaLS())
        }
        return .done
    }
}
