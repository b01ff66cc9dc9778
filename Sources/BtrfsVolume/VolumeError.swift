public import BlockDevices
public import BtrfsFormat

/// Why something could not be done with a volume, and where.
public enum VolumeError: Error, Sendable {
    /// A device failed.
    case device(DeviceError)
    /// Bytes are not what the format says.
    case format(FormatError)
    /// A feature of the volume, or the wish itself, is beyond what can be done; says what to do instead.
    case unsupported(String)
    /// The volume contradicts itself.
    case damaged(String, block: LogicalAddress? = nil, slot: Int? = nil, key: Key? = nil)
    /// A tree has an item under a key that was to be new.
    case keyExists(tree: ObjectID, Key)
    /// A tree lacks an item that others refer to.
    case noSuchKey(tree: ObjectID, Key)
    /// An item does not fit a leaf.
    case itemTooLarge(tree: ObjectID, Key, size: Int)
    /// No space is left; says for what.
    case noSpace(String)
    /// A change that would harm the volume.
    case refused(String)
}

extension VolumeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .device(let error): "\(error)"
        case .format(let error): "\(error)"
        case .unsupported(let text), .noSpace(let text), .refused(let text): text
        case .damaged(let text, let block, let slot, let key):
            "\(FormatError(.invalid(text), block: block, slot: slot, key: key))"
        case .keyExists(let tree, let key): "tree \(tree) already has an item \(key)"
        case .noSuchKey(let tree, let key): "tree \(tree) has no item \(key)"
        case .itemTooLarge(let tree, let key, let size):
            "tree \(tree): an item \(key) of \(size) bytes does not fit a leaf"
        }
    }
}
