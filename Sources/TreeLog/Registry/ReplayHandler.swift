public import BtrfsFormat

/// An item of a log in place; valid during one call.
public struct LoggedItem: ~Escapable {
    /// The key of the item.
    public let key: Key
    /// The item's bytes, in the memory of the log block.
    public let data: RawSpan
    /// The log block that holds it.
    public let block: LogicalAddress
    /// Its number in that block.
    public let slot: Int

    @inline(__always)
    @_lifetime(copy data)
    public init(key: Key, data: RawSpan, block: LogicalAddress, slot: Int) {
        self.key = key
        self.data = data
        self.block = block
        self.slot = slot
    }
}

/// Brings the items of one type from a log into the subvolume.
///
/// It is called for every item of its type, in key order, in its stage. It works through the context alone:
/// that is all the built-in handlers have as well. The corresponding kernel function is `replay_one_buffer`.
public protocol ReplayHandler {
    /// The pass in which the items are replayed: `inodes`, `directoryIndex` or `everything`.
    var stage: ReplayStage { get }
    /// For the report; the name of the Swift type where it is not said. Whoever is part of every replay says it: Swift
    /// finds out the name of a type by a search that takes as long as the replay of hundreds of items.
    var name: String { get }

    func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError)
}

extension ReplayHandler {
    public var name: String { String(describing: Swift.type(of: self)) }
}

/// Says what an item means, in words for people.
public protocol ItemDescriber {
    func describe(key: Key, data: RawSpan) -> String

    /// The values of an item by name, for programs; nil where there is only the text.
    func record(key: Key, data: RawSpan) -> ItemRecord?
}

extension ItemDescriber {
    public func record(key: Key, data: RawSpan) -> ItemRecord? { nil }
}

/// Tells whether the bytes of an item are right, before any handler sees them.
public protocol ItemValidator {
    func validate(key: Key, data: RawSpan) throws(FormatError)
}
