/// What log and subvolume can disagree about.
///
/// `skipInode` and `abort` are answers to every kind. What the built-in rules (the policy `mainline`) do:
///
/// | kind | raised when | mainline | other answers |
/// |---|---|---|---|
/// | inodeItem | both have the inode and differ | takeLogged (rule I) | keepCommitted, skipItem, replace (160 bytes) |
/// | name | the name belongs to another inode | takeLogged: the other loses it | keepCommitted, skipItem, keepBoth |
/// | index | another name has the index | abort | takeLogged: the other name moves to a free index; keepCommitted: the logged name does; skipItem |
/// | backReference | committed names that the logged references lack | takeLogged: they go | keepCommitted, skipItem: they stay |
/// | deletedName | the log says that a name is gone | takeLogged | keepCommitted, skipItem |
/// | xattr | both have the key and differ, or the log has it no more | takeLogged | keepCommitted, skipItem, replace |
/// | extent | committed extents lie in the range of a logged one | takeLogged | keepCommitted, skipItem, replace (the item) |
/// | checksumRange | the log lacks checksums of a replayed extent | takeLogged: without | skipItem |
/// | customItem | both have an item of a plugin's type and differ | takeLogged | keepCommitted, skipItem, replace |
/// | missingInode | an item is for an inode that does not exist | abort; names: skipItem | skipItem |
/// | missingParent | a name is for a directory that does not exist | references: skipItem; else abort | skipItem |
/// | damagedItem | bytes or relations that cannot be right | abort | skipItem |
public enum ConflictKind: Int, CaseIterable, Sendable {
    case inodeItem, name, index, backReference, deletedName, xattr, extent, checksumRange, customItem
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
