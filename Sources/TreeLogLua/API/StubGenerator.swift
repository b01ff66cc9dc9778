/// Writes what editors and linters know of the API, from `APITable`.
public enum StubGenerator {
    /// `Plugins/meta/treelog.lua` for the Lua language server.
    public static func luaLS() -> String {
        var lines = [
            "---@meta treelog",
            "-- Made by treelog from its table of the API; not to be changed by hand.",
            "",
            "---@alias treelog.u64 integer # above 2^63-1 it shows as negative: compare with math.ult",
            alias("treelog.ConflictWord", APITable.conflictWords),
            alias("treelog.ResolutionWord", APITable.resolutionWords),
            alias("treelog.FilterWord", APITable.filterWords),
            alias("treelog.HandlerWord", APITable.handlerWords),
            alias("treelog.ReasonWord", APITable.reasonWords),
            "",
            "---A field of an item type; call it with a table for more: `u32 \"flags\" { format = \"hex\" }`.",
            "---@class treelog.Field",
            "---@overload fun(options: treelog.FieldOptions): treelog.Field",
            "",
            "---@class treelog.Plugin", "---@class treelog.Policy", "---@class treelog.Process",
            "---@class treelog.Workload", "",
        ]
        for entry in APITable.classes { lines += entry.role == .namespace ? namespace(entry) : luaClass(entry) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func alias(_ name: String, _ words: [String]) -> String {
        "---@alias \(name) " + words.map { "\"\($0)\"" }.joined(separator: "|")
    }

    private static func luaClass(_ entry: APIClass) -> [String] {
        var lines = ["---\(entry.describedDoc)", "---@class \(entry.name)"]
        var methods: [String] = []
        let local = entry.name.split(separator: ".").last.map(String.init) ?? entry.name
        for member in entry.entries {
            switch member.kind {
            case .field(let type): lines.append(field(member.name, type, member.doc))
            case .method(let parameters, let returns):
                methods += signature(member, of: entry, parameters, returns, "function \(local):\(member.name)")
            case .function: break
            }
        }
        guard !methods.isEmpty else { return lines + [""] }
        return lines + ["local \(local) = {}", ""] + methods
    }

    private static func namespace(_ entry: APIClass) -> [String] {
        var lines = ["---\(entry.describedDoc)", "---@class \(entry.name)"]
        var functions: [String] = []
        for member in entry.entries {
            switch member.kind {
            case .field(let type): lines.append(field(member.name, type, member.doc))
            case .function(let parameters, let returns):
                functions += signature(member, of: entry, parameters, returns, "function \(entry.name).\(member.name)")
            case .method: break
            }
        }
        return lines + ["\(entry.name) = {}", ""] + functions
    }

    private static func field(_ name: String, _ type: String, _ doc: String) -> String {
        let isOptional = type.hasSuffix("?")
        return "---@field \(name)\(isOptional ? "?" : "") \(isOptional ? String(type.dropLast()) : type) # \(doc)"
    }

    private static func signature(
        _ entry: APIEntry, of owner: APIClass, _ parameters: [APIParameter], _ returns: String?, _ head: String
    ) -> [String] {
        var lines = ["---\(entry.doc)"]
        if let phases = owner.phases(of: entry) { lines += ["---", "---\(phases)"] }
        for parameter in parameters {
            let isOptional = parameter.type.hasSuffix("?") && parameter.name != "..."
            let type = isOptional ? String(parameter.type.dropLast()) : parameter.type
            lines.append("---@param \(parameter.name)\(isOptional ? "?" : "") \(type)")
        }
        if let returns { lines.append("---@return \(returns)") }
        lines.append("\(head)(\(parameters.map(\.name).joined(separator: ", "))) end")
        return lines + [""]
    }

    /// A standard for luacheck: the text of `.luacheckrc`'s `stds.treelog`.
    public static func luacheck() -> String {
        var lines = [
            "-- Made by treelog from its table of the API; not to be changed by hand.",
            "stds.treelog = {", "  read_globals = {", "    treelog = { fields = {",
        ]
        for entry in APITable.treelog.entries.sorted(by: { $0.name < $1.name }) {
            let isOpen = entry.name == "kinds"
            lines.append("      \(entry.name) = {\(isOpen ? " other_fields = true " : "")},")
        }
        lines += ["    } },"]
        let globals = [
            "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen",
            "rawset", "require", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "_VERSION",
        ]
        for name in globals { lines.append("    \(name) = {},") }
        for (name, functions) in libraries {
            let fields = functions.map { "\($0) = {}" }.joined(separator: ", ")
            lines.append("    \(name) = { fields = { \(fields) } },")
        }
        return (lines + ["  },", "}"]).joined(separator: "\n") + "\n"
    }

    /// What is left of the libraries of Lua.
    private static let libraries: [(String, [String])] = [
        (
            "math",
            [
                "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
                "maxinteger", "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan", "tointeger", "type",
                    "ult",
            ]
        ),
        (
            "string",
            [
                "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep",
                "reverse", "sub", "unpack", "upper",
            ]
        ),
        ("table", ["concat", "insert", "move", "pack", "remove", "sort", "unpack"]),
        ("utf8", ["char", "charpattern", "codepoint", "codes", "len", "offset"]),
    ]
}
