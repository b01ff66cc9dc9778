/// What a resolver wants done about a conflict. Which answers a kind of conflict can have stands at
/// `ConflictKind`; any other one fails the replay with an error that names the resolver.
public enum Resolution: Hashable, Sendable {
    /// The log's side wins.
    case takeLogged
    /// The subvolume's side stays.
    case keepCommitted
    /// Both stay; the committed one gets this name.
    case keepBoth(name: [UInt8])
    /// These bytes take the place of both.
    case replace([UInt8])
    /// The logged item, or the one name of it that is in conflict, is left out.
    case skipItem
    /// The whole inode is left out: the replay starts again without any of its items.
    case skipInode
    /// The replay fails.
    case abort(reason: String)
}

extension Resolution: CustomStringConvertible {
    public var description: String {
        switch self {
        case .takeLogged: "take the logged one"
        case .keepCommitted: "keep the committed one"
        case .keepBoth(let name): "keep both, as \(String(decoding: name, as: UTF8.self))"
        case .replace(let bytes): "replace by \(bytes.count) bytes"
        case .skipItem: "skip the item"
        case .skipInode: "skip the inode"
        case .abort(let reason): "abort: \(reason)"
        }
    }
}
