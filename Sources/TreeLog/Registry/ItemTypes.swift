public import BtrfsFormat

/// The registered item types, one for each of the 256 key types at most.
public struct ItemTypes {
    private var types: [ItemType?]
    /// Those that plugins define, by ascending key type.
    private(set) var custom: [ItemType] = []

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
        if ItemType.isCustom(type.keyType) { custom = all.filter { ItemType.isCustom($0.keyType) } }
    }

    /// Adds a type that is part of the format.
    mutating func registerBuiltIn(_ type: ItemType) {
        types[Int(type.keyType.rawValue)] = type
    }
}
