internal import BtrfsFormat
internal import TreeLog

// What a registry gets from a plugin: each finds the machine of the present run when it is called.

struct LuaHandler: ReplayHandler {
    let plugin: Plugin
    let number: Int
    let stage: ReplayStage
    let native: any ReplayHandler
    let name: String

    func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
        try plugin.present.machine.replay(item, as: number, native: native, in: &context)
    }
}

/// Sizes and counts by the fields of the type.
struct FieldsValidator: ItemValidator {
    let fields: FieldList

    func validate(key: Key, data: RawSpan) throws(FormatError) { try fields.check(data) }
}

struct LuaDescriber: ItemDescriber {
    let plugin: Plugin
    let number: Int

    func describe(key: Key, data: RawSpan) -> String { plugin.itemTypes[number].describe(key, data) }
    func record(key: Key, data: RawSpan) -> ItemRecord? { plugin.itemTypes[number].record(key, data) }
}

/// `resolve` of an item type.
struct LuaItemResolver: ConflictResolver {
    let plugin: Plugin
    let number: Int

    func resolve(_ conflict: Conflict) throws(LogError) -> Resolution {
        try plugin.decide { (machine) throws(LogError) in
            try machine.decide(conflict, item: machine.definition.items[number])
        } ?? conflict.mainline
    }
}

/// One kind of conflict of a policy.
struct LuaPolicyResolver: ConflictResolver {
    let plugin: Plugin
    let number: Int
    /// Of the policy that this one is built on; nil for the built-in rules.
    let base: (any ConflictResolver)?

    func resolve(_ conflict: Conflict) throws(LogError) -> Resolution {
        let answer = try plugin.decide { (machine) throws(LogError) in
            let policy = machine.definition.policies[number]
            return try machine.decide(
                conflict, policy: policy, options: plugin.policies[number].options, base: policy.base)
        }
        if let answer { return answer }
        return try base?.resolve(conflict) ?? conflict.mainline
    }
}

struct LuaFilter: ItemFilter {
    let plugin: Plugin
    let number: Int
    let kinds: Set<UInt8>?
    let base: (any ItemFilter)?

    func sees(_ type: KeyType) -> Bool { kinds?.contains(type.rawValue) ?? true }

    func judge(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) -> FilterVerdict {
        let machine = plugin.present.machine
        guard let filter = try machine.preparedFilter(number, plugin) else { return .replay }
        let verdict = try machine.judge(item, filter, &context)
        if plugin.present.verification == .twice {
            if try machine.judge(item, filter, &context) != verdict {
                throw context.failure(
                    .plugin("\(plugin.policies[number].name): the filter judged one item twice and differently"))
            }
        }
        return verdict
    }
}
