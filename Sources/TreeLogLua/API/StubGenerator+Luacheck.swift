extension StubGenerator {
    /// `.luacheckrc`: the standard, and that scripts are judged by it.
    public static func luacheckConfiguration() -> String {
        luacheck() + """
            std = "treelog"
            max_line_length = 120
            exclude_files = { "**/meta/*.lua" }

            """
    }
}
