public import BtrfsFormat

/// All that decides in a replay, replaceable piece by piece: what happens to each type of item, what is done
/// with each block of a log, and who settles conflicts.
///
/// A registry is a value. Start from `mainline`, which holds what Linux 6.18 does and nothing else, and add to it:
///
/// ```swift
/// var registry = Registry.mainline
/// try registry.itemTypes.register(.custom(name: "COUNTER", keyType: KeyType(97), resolver: Merge()))
/// try registry.register(Policy(name: "keep-both", resolvers: [.name: KeepBoth()]))
/// let replayer = try Replayer(volume, registry: registry, policy: "keep-both")
/// ```
public struct Registry {
    /// By key type: name, layout, description, handler and stage.
    public var itemTypes: ItemTypes
    /// By name: what a walk does with each block. A replay uses `pin` and `replay`.
    public private(set) var processFunctions: [String: any ProcessFunction]
    /// By name: who settles conflicts, and what is tolerated.
    public private(set) var policies: [String: Policy]
    /// The plugins that something in here comes from.
    public private(set) var extensions: [any RegistryExtension] = []

    /// A registry without anything: a replay with it would do nothing.
    public init() {
        itemTypes = ItemTypes()
        processFunctions = [:]
        policies = [:]
    }

    /// Adds a process function.
    ///
    /// - Throws: `RegistryError.duplicate` when the name is taken and `policy` is not `.override`.
    public mutating func register(
        _ function: any ProcessFunction, as name: String, _ policy: RegistrationPolicy = .refuseDuplicates
    ) throws(RegistryError) {
        guard processFunctions[name] == nil || policy == .override else { throw .duplicate(name) }
        processFunctions[name] = function
    }

    /// Adds a policy.
    ///
    /// - Throws: `RegistryError.duplicate` when the name is taken and `registration` is not `.override`.
    public mutating func register(
        _ policy: Policy, _ registration: RegistrationPolicy = .refuseDuplicates
    ) throws(RegistryError) {
        guard policies[policy.name] == nil || registration == .override else { throw .duplicate(policy.name) }
        policies[policy.name] = policy
    }

    /// Adds a plugin as a whole, to be told of each run and to stand in the report.
    public mutating func register(_ plugin: any RegistryExtension) { extensions.append(plugin) }

    /// What Linux 6.18 does, and the policies `mainline`, `strict` and `salvage`.
    public static var mainline: Registry {
        var registry = Registry()
        for type in BuiltIn.itemTypes { registry.itemTypes.registerBuiltIn(type) }
        registry.processFunctions = BuiltIn.processFunctions
        for policy in [Policy.mainline, .strict, .salvage] { registry.policies[policy.name] = policy }
        return registry
    }
}

/// What to do when something is registered under a name or number that is taken.
public enum RegistrationPolicy: Sendable {
    /// That is an error.
    case refuseDuplicates
    /// The new one takes the place of the old one.
    case override
}

/// What is wrong with a registration.
public enum RegistryError: Error, Equatable, Sendable {
    /// Something of this name, or for this key type, is registered.
    case duplicate(String)
    /// A key type that belongs to btrfs, or to nobody.
    case reservedKeyType(name: String, KeyType)
    /// The requirement does not fit the range of the key type.
    case wrongRequirement(name: String, KeyType)
    /// Nothing is replayed in this stage.
    case wrongStage(name: String, ReplayStage)
}

extension RegistryError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .duplicate(let name): "'\(name)' is registered already; say that it overrides to replace it"
        case .reservedKeyType(let name, let type):
            "'\(name)': key type \(type.rawValue) is not for plugins; take one of 25 to 35 or 97 to 107"
        case .wrongRequirement(let name, let type):
            "'\(name)': types 25 to 35 are mandatory and 97 to 107 optional; this is \(type.rawValue)"
        case .wrongStage(let name, let stage): "'\(name)': no item is replayed in the stage '\(stage)'"
        }
    }
}
