internal import BtrfsFormat
internal import LuaRuntime
internal import TreeLog

// What a plugin declared, checked; with the functions of one machine.

struct PluginDefinition {
    var name = ""
    var version = ""
    var summary = ""
    var items: [ItemDefinition] = []
    var policies: [PolicyDefinition] = []
    var processes: [ProcessDefinition] = []
    /// Of a script that is a workload.
    var workload: WorkloadDefinition?
}

struct ItemDefinition {
    /// Which constructor call it came from.
    var declaration: Int
    var place: String
    var name = ""
    var keyType = KeyType(0)
    var doc = ""
    var stage = ReplayStage.everything
    /// Whether the script said in which stage it is.
    var hasStage = false
    var logging = LoggingRule.withInode
    var isOverride = false
    var fields: FieldList?
    var describe: LuaReference?
    var validate: LuaReference?
    var replay: LuaReference?
    var resolve: LuaReference?
}

struct PolicyDefinition {
    var place: String
    var name = ""
    var doc = ""
    var base = "mainline"
    var isOverride = false
    var options: [PluginOption] = []
    var begin: LuaReference?
    var resolvers: [ConflictKind: LuaReference] = [:]
    var filter: LuaReference?
    /// The types that the filter sees; nil for all.
    var filterKinds: Set<UInt8>?
}

struct ProcessDefinition {
    var place: String
    var name = ""
    var doc = ""
    var options: [PluginOption] = []
    var begin: LuaReference?
    var block: LuaReference?
    var item: LuaReference?
    var kinds: Set<UInt8>?
    var finish: LuaReference?
}

/// When the items of an inode are logged.
public enum LoggingRule: String, CaseIterable, Sendable {
    /// All of them, whenever more of the inode is logged than its content.
    case withInode = "with_inode"
    /// Those that changed since the last commit.
    case ifChanged = "if_changed"
    /// Not at all: they are as durable as the last commit.
    case never

    /// The same for the registry.
    var rule: TreeLog.ItemType.Logging {
        switch self {
        case .withInode: .withInode
        case .ifChanged: .ifChanged
        case .never: .never
        }
    }
}

/// Something that can be set from outside, with its value.
public struct PluginOption: Equatable, Sendable {
    /// A value, of the type that the default in the script has.
    public enum Value: Equatable, Sendable {
        /// What Lua has, except tables and functions.
        case boolean(Bool), integer(Int64), number(Double), text(String)

        /// A value of the same type from its text; nil where it is none.
        func parsed(_ text: String) -> Value? {
            switch self {
            case .boolean:
                switch text {
                case "true", "yes", "on": .boolean(true)
                case "false", "no", "off": .boolean(false)
                default: nil
                }
            case .integer: Int64(text).map { .integer($0) }
            case .number: Double(text).map { .number($0) }
            case .text: .text(text)
            }
        }

        var typeName: String {
            switch self {
            case .boolean: "true or false"
            case .integer: "an integer"
            case .number: "a number"
            case .text: "text"
            }
        }

        var lua: LuaValue {
            switch self {
            case .boolean(let value): .boolean(value)
            case .integer(let value): .integer(value)
            case .number(let value): .number(value)
            case .text(let value): .text(value)
            }
        }
    }

    public var name: String
    /// What was set, and before that the default.
    public var value: Value
}

/// What a constructor was called with.
struct Declaration {
    enum Kind: String { case item = "item_type", policy = "replay_policy", process, plugin, workload }
    var kind: Kind
    var table: LuaTable
    /// File and line of the call.
    var place: String
}

/// Collects what is wrong with a plugin.
final class ProblemList {
    private(set) var problems: [PluginProblem] = []
    private let source: PluginSource

    init(_ source: PluginSource) { self.source = source }

    func add(_ text: String, at place: String) {
        let problem = PluginProblem(text, at: source.place(place))
        if !problems.contains(problem) { problems.append(problem) }
    }
}
