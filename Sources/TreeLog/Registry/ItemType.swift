public import BtrfsFormat

/// All that treelog knows of the items with one key type.
public struct ItemType {
    /// Whether a log can be replayed by someone who does not know the type.
    public enum Requirement: Sendable {
        /// Unregistered items are carried over as they are.
        case optional
        /// A log with unregistered items is refused.
        case mandatory
    }

    /// When the items of an inode go into the log.
    public enum Logging: Sendable {
        /// All of them, whenever more of the inode is logged than its content.
        case withInode
        /// Those that changed since the last commit.
        case ifChanged
        /// Not at all: they are as durable as the last commit.
        case never
    }

    /// The name in dumps, messages and reports; in capitals by custom.
    public var name: String
    /// The key type of the items.
    public var keyType: KeyType
    /// What such an item is, in a sentence.
    public var summary: String
    /// What a log with such items means to who does not know them.
    public var requirement: Requirement
    /// The fields of an item, declared once, from which it is decoded, dumped and described.
    public var layout: Layout?
    /// Brings logged items into the subvolume; nil for a type that replay passes over.
    public var handler: (any ReplayHandler)?
    /// Says in words what an item means; nil where the layout does.
    public var describer: (any ItemDescriber)?
    /// Looks at each item before its handler does.
    public var validator: (any ItemValidator)?
    /// Decides where log and subvolume both have an item of this type, before the policy is asked.
    public var resolver: (any ConflictResolver)?
    /// When items of this type are logged; only types of plugins have a choice.
    public var logging = Logging.ifChanged

    /// A type of items; `custom` makes one that copies items.
    public init(
        name: String, keyType: KeyType, summary: String = "", requirement: Requirement = .mandatory,
        layout: Layout? = nil, handler: (any ReplayHandler)? = nil, describer: (any ItemDescriber)? = nil,
        validator: (any ItemValidator)? = nil, resolver: (any ConflictResolver)? = nil
    ) {
        self.name = name
        self.keyType = keyType
        self.summary = summary
        self.requirement = requirement
        self.layout = layout
        self.handler = handler
        self.describer = describer
        self.validator = validator
        self.resolver = resolver
    }

    /// The key types that plugins may define: Linux neither interprets them nor removes them when a file is cut.
    /// A type in the first range counts as mandatory where nobody has registered it, one in the second as
    /// optional, so that a log tells by itself whether it can be replayed without the plugin.
    public static let customMandatory: ClosedRange<UInt8> = 25...35
    /// Key types for plugins that others carry over as they are.
    public static let customOptional: ClosedRange<UInt8> = 97...107

    /// Whether plugins may define this key type.
    public static func isCustom(_ type: KeyType) -> Bool {
        customMandatory.contains(type.rawValue) || customOptional.contains(type.rawValue)
    }

    /// A type of a plugin's own, with the handler that copies items and settles conflicts with `resolver`.
    ///
    /// - Parameter keyType: 25 to 35 for a mandatory type, 97 to 107 for an optional one.
    public static func custom(
        name: String, keyType: KeyType, summary: String = "", stage: ReplayStage = .everything,
        layout: Layout? = nil, describer: (any ItemDescriber)? = nil, validator: (any ItemValidator)? = nil,
        resolver: (any ConflictResolver)? = nil
    ) -> ItemType {
        ItemType(
            name: name, keyType: keyType, summary: summary,
            requirement: customMandatory.contains(keyType.rawValue) ? .mandatory : .optional, layout: layout,
            handler: CustomItemHandler(stage: stage), describer: describer, validator: validator,
            resolver: resolver)
    }
}

/// Says what an item means, in words for people.
public protocol ItemDescriber {
    /// The text for one item, on one line.
    func describe(key: Key, data: RawSpan) -> String

    /// The values of an item by name, for programs; nil where there is only the text.
    func record(key: Key, data: RawSpan) -> ItemRecord?
}

extension ItemDescriber {
    public func record(key: Key, data: RawSpan) -> ItemRecord? { nil }
}

/// Tells whether the bytes of an item are right, before any handler sees them.
public protocol ItemValidator {
    /// - Throws: `FormatError` with what is wrong.
    func validate(key: Key, data: RawSpan) throws(FormatError)
}
