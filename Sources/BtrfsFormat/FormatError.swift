/// Bytes that are not what the format says, and where they are.
///
/// The place is filled in on the way up: a field knows its offset, a leaf the slot and key, a volume the
/// block.
public struct FormatError: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// A field or range lies outside the bytes that hold it.
        case outOfBounds(offset: Int, count: Int, available: Int)
        /// A value that the format forbids; the text names the field, what it holds and what may be.
        case invalid(String)
    }

    public var reason: Reason
    public var block: LogicalAddress?
    public var slot: Int?
    public var key: Key?

    public init(_ reason: Reason, block: LogicalAddress? = nil, slot: Int? = nil, key: Key? = nil) {
        self.reason = reason
        self.block = block
        self.slot = slot
        self.key = key
    }

    @inline(never)
    public static func outOfBounds(offset: Int, count: Int, available: Int) -> FormatError {
        FormatError(.outOfBounds(offset: offset, count: count, available: available))
    }

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
