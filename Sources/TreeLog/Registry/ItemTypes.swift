public import BtrfsFormat

/// What to do when something is registered under a name or number that is taken.
public enum RegistrationPolicy: Sendable {
    /// That is an error.
    case refuseDuplicates
    /// The new one takes the place of the old one.
    case override
}

/// What is wrong with a registration.
public enum RegistryError: Error, Equatable, Sendable {
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

/// The registered item types, one for each of the 256 key types at most.
public struct ItemTypes {
    private var types: [ItemType?]

    /// No types at all.
    public init() { types = [ItemType?](repeating: nil, count: 256) }

    /// - Complexity: O(1).
    public subscript(keyType: KeyType) -> ItemType? { types[Int(keyType.rawValue)] }

    /// All registered types by ascending key type.
    public var all: [ItemType] { types.compactMap { $0 } }

    /// Adds a type of a plugin, or with `.override` another handling of a type that is there, built-in ones
    /// included.
    ///
    /// - Throws: `RegistryError`; nothing is registered then.
    public mutating func register(
        _ type: ItemType, _ policy: RegistrationPolicy = .refuseDuplicates
    ) throws(RegistryError) {
        let slot = Int(type.keyType.rawValue)
        if let present = types[slot] {
            guard policy == .override else { throw .duplicate("\(present.name) (key type \(slot))") }
        } else {
            guard ItemType.isCustom(type.keyType) else {
                throw .reservedKeyType(name: type.name, type.keyType)
            }
        }
        if ItemType.isCustom(type.keyType) {
            let isMandatory = ItemType.customMandatory.contains(type.keyType.rawValue)
            guard isMandatory == (type.requirement == .mandatory) else {
                throw .wrongRequirement(name: type.name, type.keyType)
            }
        }
        if let stage = type.handler?.stage, stage == .pin || stage == .linkCounts {
            throw .wrongStage(name: type.name, stage)
        }
        types[slot] = type
    }

    /// Adds a type that is part of the format.
    mutating func registerBuiltIn(_ type: ItemType) {
        types[Int(type.keyType.rawValue)] = type
    }
}
