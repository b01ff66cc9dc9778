public import BtrfsFormat

/// Something of a log that a replay left out, and why.
public struct SkippedThing: Hashable, Sendable {
    public enum What: Hashable, Sendable {
        /// The whole log of the subvolume.
        case log
        /// All items of an inode.
        case inode(ObjectID)
        /// All items of the inodes in a range: a log block that cannot be read held some of them.
        case inodes(ClosedRange<UInt64>)
        /// One item.
        case item(LogPlace)
        /// One name of an item.
        case name([UInt8], directory: ObjectID, inode: ObjectID)
    }

    public var subvolume: ObjectID
    public var what: What
    public var reason: String
    public var place: LogPlace

    public init(_ what: What, of subvolume: ObjectID, reason: String, at place: LogPlace) {
        self.what = what
        self.subvolume = subvolume
        self.reason = reason
        self.place = place
    }
}

extension SkippedThing: CustomStringConvertible {
    public var description: String {
        let subject =
            switch what {
            case .log: "log of subvolume \(subvolume)"
            case .inode(let inode): "subvolume \(subvolume), inode \(inode)"
            case .inodes(let range):
                "subvolume \(subvolume), inodes \(ObjectID(range.lowerBound)) to \(ObjectID(range.upperBound))"
            case .item(let place): "\(place)"
            case .name(let name, let directory, let inode):
                "subvolume \(subvolume), name \(String(decoding: name, as: UTF8.self)) of inode \(inode) "
                    + "in directory \(directory)"
            }
        return "\(subject): \(reason)"
    }
}
