internal import BtrfsFormat
internal import BtrfsVolume

/// Paths by the back references of a subvolume.
final class NamePathFinder: PathFinder {
    private let names: Namespace

    init(_ names: Namespace) { self.names = names }

    /// Follows the first name of each inode up to the root of the subvolume; nil where that leads nowhere.
    func path(of inode: ObjectID) -> [UInt8]? {
        var components: [[UInt8]] = []
        var current = inode
        // Each step goes up one directory; a circle of damaged references ends at the limit.
        for _ in 0..<4096 {
            if current == .firstFree { return Array(components.reversed().joined(separator: [UInt8(ascii: "/")])) }
            guard let name = try? names.names(of: current).first else { return nil }
            components.append(name.name)
            current = name.directory
        }
        return nil
    }
}
