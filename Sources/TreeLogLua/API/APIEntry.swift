/// When a script may call something.
public enum ScriptPhase: String, CaseIterable, Sendable {
    /// While the plugin loads.
    case load
    /// In `replay` of an item type.
    case replay
    /// In a function that decides a conflict, of a policy or an item type.
    case resolve
    /// In `filter` and `begin` of a policy.
    case filter
    /// In `describe` and `validate` of an item type.
    case describe
    /// In the functions of a process.
    case process
    /// In the tests of a plugin.
    case test
    /// In `setup` and `run` of a workload.
    case workload
    /// In `check` of a workload.
    case check

    /// For messages: "while the plugin loads", "in a filter".
    var text: String {
        switch self {
        case .load: "while the plugin loads"
        case .replay: "in a replay function"
        case .resolve: "in a resolve function"
        case .filter: "in a filter"
        case .describe: "in describe or validate"
        case .process: "in a process function"
        case .test: "in a test"
        case .workload: "in setup and run of a workload"
        case .check: "in check of a workload"
        }
    }

    /// All phases in which decisions are made or things are shown: everything but loading.
    static let running: Set<ScriptPhase> = Set(allCases).subtracting([.load])
    static let any: Set<ScriptPhase> = Set(allCases)
}

/// A parameter or a result of a function of the API.
public struct APIParameter: Sendable {
    /// As it is shown in a signature.
    public var name: String
    /// In the notation of LuaLS, with `?` for what may be left out.
    public var type: String

    init(_ name: String, _ type: String) {
        self.name = name
        self.type = type
    }
}

/// One name of the API.
public struct APIEntry: Sendable {
    /// What kind of name it is.
    public enum Kind: Sendable {
        /// A value.
        case field(type: String)
        /// Called with a dot.
        case function([APIParameter], returns: String?)
        /// Called with a colon.
        case method([APIParameter], returns: String?)
    }

    /// What comes after the dot or the colon.
    public var name: String
    /// A value, a function or a method.
    public var kind: Kind
    /// What it does, for the reference.
    public var doc: String
    /// When it may be used.
    public var phases: Set<ScriptPhase>
}

/// A table or a view of the API.
public struct APIClass: Sendable {
    /// What a table is for.
    public enum Role: Sendable {
        /// The global table `treelog`, or one in it.
        case namespace
        /// What a constructor takes: keys that are not listed are errors.
        case definition
        /// What callbacks are given.
        case view
        /// A plain table.
        case value
    }

    /// As LuaLS knows it: `treelog.Item`.
    public var name: String
    /// What it is for.
    public var role: Role
    /// What it is for, for the reference.
    public var doc: String
    /// The names in it.
    public var entries: [APIEntry]

    subscript(_ name: String) -> APIEntry? { entries.first { $0.name == name } }

    /// The keys of a definition.
    var keys: [String] { entries.map(\.name) }
}

extension APIEntry {
    static func field(
        _ name: String, _ type: String, _ doc: String, _ phases: Set<ScriptPhase> = ScriptPhase.any
    ) -> APIEntry {
        APIEntry(name: name, kind: .field(type: type), doc: doc, phases: phases)
    }

    static func function(
        _ name: String, _ parameters: [(String, String)] = [], _ returns: String? = nil, _ doc: String,
        _ phases: Set<ScriptPhase> = ScriptPhase.any
    ) -> APIEntry {
        APIEntry(
            name: name, kind: .function(parameters.map { APIParameter($0.0, $0.1) }, returns: returns), doc: doc,
            phases: phases)
    }

    static func method(
        _ name: String, _ parameters: [(String, String)] = [], _ returns: String? = nil, _ doc: String,
        _ phases: Set<ScriptPhase> = ScriptPhase.running
    ) -> APIEntry {
        APIEntry(
            name: name, kind: .method(parameters.map { APIParameter($0.0, $0.1) }, returns: returns), doc: doc,
            phases: phases)
    }
}
