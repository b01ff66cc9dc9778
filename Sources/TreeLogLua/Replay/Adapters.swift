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
        let present = plugin.present
        if let handler = present.handler(number) { return try handler.replay(item, in: &context) }
        guard let handler = try present.prepareHandler(number, native) else {
            return try present.machine.validateAndReplay(item, as: number, native, in: &context)
        }
        try handler.replay(item, in: &context)
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

final class LuaFilter: ItemFilter {
    private let plugin: Plugin
    private let number: Int
    private let kinds: Set<UInt8>?

    init(_ plugin: Plugin, _ number: Int, _ kinds: Set<UInt8>?) {
        self.plugin = plugin
        self.number = number
        self.kinds = kinds
    }

    func sees(_ type: KeyType) -> Bool { kinds?.contains(type.rawValue) ?? true }

    func judge(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) -> FilterVerdict {
        let present = plugin.present
        guard let filter = present.filter(number) else {
            return try judge(item, present.prepareFilter(number, plugin.policies[number].options), &context)
        }
        return try judge(item, filter, &context)
    }

    private func judge(
        _ item: borrowing LoggedItem, _ filter: PreparedCallback, _ context: inout ReplayContext
    ) throws(LogError) -> FilterVerdict {
        let verdict = try filter.judge(item, &context)
        if plugin.present.verification == .twice {
            if try filter.judge(item, &context) != verdict {
                throw context.failure(
                    .plugin("\(plugin.policies[number].name): the filter judged one item twice and differently"))
            }
        }
        return verdict
    }
}
