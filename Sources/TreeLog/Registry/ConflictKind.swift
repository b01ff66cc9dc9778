/// What log and subvolume can disagree about.
///
/// `skipInode` and `abort` are answers to every kind. What the built-in rules (the policy `mainline`) do:
///
/// | kind | mainline | other answers |
/// |---|---|---|
/// | inodeItem: both have the inode and differ | takeLogged, but not nbytes | keepCommitted, skipItem, replace |
/// | name: it belongs to another inode | takeLogged: the other loses it | keepCommitted, skipItem, keepBoth |
/// | index: another name has it | abort | takeLogged, keepCommitted, skipItem |
/// | backReference: committed names that the log lacks | takeLogged: they go | keepCommitted, skipItem |
/// | deletedName: the log says that a name is gone | takeLogged | keepCommitted, skipItem |
/// | xattr: both have it and differ, or the log lacks it | takeLogged | keepCommitted, skipItem, replace |
/// | extent: committed ones lie in the range | takeLogged | keepCommitted, skipItem, replace |
/// | checksumRange: the log lacks checksums of an extent | takeLogged: without | |
/// | customItem: both have one and differ | takeLogged | keepCommitted, skipItem, replace |
/// | missingInode: an item is for an inode that does not exist | abort; names: skipItem | skipItem |
/// | missingParent: a name is for a directory that does not exist | references: skipItem; else abort | skipItem |
/// | damagedItem: bytes or relations that cannot be right | abort | skipItem |
///
/// Of two names with one index, takeLogged moves the committed name to a free index and keepCommitted the logged
/// one. A `replace` of an inode item has 160 bytes, one of an extent a whole item.
public enum ConflictKind: Int, CaseIterable, Sendable {
    /// About something that is there on both sides, or on one of them.
    case inodeItem, name, index, backReference, deletedName, xattr, extent, checksumRange, customItem
    /// About an item that cannot be used as it is.
    case missingInode, missingParent, damagedItem
}

extension ConflictKind: CustomStringConvertible {
    public var description: String {
        switch self {
        case .inodeItem: "inode item"
        case .name: "name"
        case .index: "index"
        case .backReference: "back reference"
        case .deletedName: "deleted name"
        case .xattr: "xattr"
        case .extent: "extent"
        case .checksumRange: "checksum range"
        case .customItem: "custom item"
        case .missingInode: "missing inode"
        case .missingParent: "missing parent"
        case .damagedItem: "damaged item"
        }
    }
}
