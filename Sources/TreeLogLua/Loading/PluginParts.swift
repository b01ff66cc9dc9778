public import BtrfsFormat
internal import LuaRuntime
public import TreeLog

/// An item type of a plugin, for who makes, shows and tests items.
public struct PluginItemType {
    let plugin: Plugin
    let number: Int
    public let name: String
    /// The type in the keys of its items.
    public let keyType: KeyType
    public let summary: String
    /// Whether it handles a type that is not its own.
    public let isOverride: Bool
    /// When its items are logged.
    public let logging: LoggingRule
    /// Nil for items of any bytes.
    public let fields: FieldList?

    init(_ plugin: Plugin, _ number: Int, _ item: ItemDefinition) {
        self.plugin = plugin
        self.number = number
        name = item.name
        keyType = item.keyType
        summary = item.doc
        isOverride = item.isOverride
        logging = item.logging
        fields = item.fields
    }

    /// The item in words: what `describe` of the script says, or else its fields.
    public func describe(_ key: Key, _ data: RawSpan) -> String {
        do {
            let machine = plugin.machine
            if let text = try machine.description(key, data, machine.definition.items[number]) { return text }
            guard let record = try fields?.record(of: data) else {
                return ItemDescription.describe(key: key, data: data).record.text
            }
            return record.text
        } catch {
            return "cannot be described: \(error)"
        }
    }

    /// The values of an item by name; nil where it has no fields or is damaged.
    public func record(_ key: Key, _ data: RawSpan) -> ItemRecord? { try? fields?.record(of: data) }

    /// Checks an item by its fields and by `validate` of the script.
    ///
    /// - Throws: `LogError` of cause `format`, or `plugin` when the script runs into a limit.
    public func validate(_ key: Key, _ data: RawSpan) throws(LogError) {
        do { try fields?.check(data) } catch { throw LogError(.format(error.at(key: key))) }
        let machine = plugin.machine
        if let problem = try machine.problem(key, data, machine.definition.items[number]) {
            throw LogError(.format(FormatError.invalid(problem).at(key: key)))
        }
    }
}

extension ItemRecord {
    /// On one line.
    var text: String { entries.map { "\($0.name) \($0.value.text)" }.joined(separator: " ") }
}

/// A policy of a plugin, with what can be set.
public struct PluginPolicy: Sendable {
    public let name: String
    public let summary: String
    /// The policy that decides where this one does not.
    public let base: String
    /// What can be set, with its values.
    public internal(set) var options: [PluginOption]

    init(_ policy: PolicyDefinition) {
        name = policy.name
        summary = policy.doc
        base = policy.base
        options = policy.options
    }
}
