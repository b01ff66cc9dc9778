internal import BtrfsFormat
internal import BtrfsVolume

/// Paths by the back references of a subvolume.
final class NamePathFinder: PathFinder {
    private let names: Namespace

    init(_ names: Namespace) { self.names = names }

    /// Follows the first name of each inode up to the root of the subvolume; nil where that leads nowhere.
    func path(of inode: ObjectID) -> [UInt8]? { try? names.path(of: inode) }
}
