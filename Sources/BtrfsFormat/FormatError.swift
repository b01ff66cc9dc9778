/// Bytes that are not what the format says, and where they are.
///
/// The place is filled in on the way up: a field knows its offset, a leaf the slot and key, a volume the
/// block.
public struct FormatError: Error, Equatable, Sendable {
    /// What is wrong with the bytes.
    public enum Reason: Equatable, Sendable {
        /// A field or range lies outside the bytes that hold it.
        case outOfBounds(offset: Int, count: Int, available: Int)
        /// A value that the format forbids; the text names the field, what it holds and what may be.
        case invalid(String)
    }

    /// What is wrong with the bytes.
    public var reason: Reason
    /// The block, where it is known.
    public var block: LogicalAddress?
    /// The number of the item in the block.
    public var slot: Int?
    /// The key of the item.
    public var key: Key?

    /// An error at a place, as far as that is known.
    public init(_ reason: Reason, block: LogicalAddress? = nil, slot: Int? = nil, key: Key? = nil) {
        self.reason = reason
        self.block = block
        self.slot = slot
        self.key = key
    }

    /// A read of `count` bytes at `offset` where there are only `available`.
    @inline(never)
    public static func outOfBounds(offset: Int, count: Int, available: Int) -> FormatError {
        FormatError(.outOfBounds(offset: offset, count: count, available: available))
    }

    /// Bytes that cannot be right, in a sentence.
    @inline(never)
    public static func invalid(_ text: String) -> FormatError { FormatError(.invalid(text)) }

    /// The same error with what is known of its place added; what it already says stays.
    @inline(never)
    public func at(block: LogicalAddress? = nil, slot: Int? = nil, key: Key? = nil) -> FormatError {
        FormatError(reason, block: self.block ?? block, slot: self.slot ?? slot, key: self.key ?? key)
    }
}

extension FormatError: CustomStringConvertible {
    public var description: String {
        var text = ""
        if let block { text += "block \(block) " }
        if let slot { text += "slot \(slot) " }
        if let key { text += "key \(key) " }
        if !text.isEmpty { text = text.dropLast() + ": " }
        switch reason {
        case .outOfBounds(let offset, let count, let available):
            text += "\(count) bytes at offset \(offset) lie outside the \(available) bytes there are"
        case .invalid(let what):
            text += what
        }
        return text
    }
}
