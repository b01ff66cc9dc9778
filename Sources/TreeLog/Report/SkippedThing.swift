public import BtrfsFormat

/// Something of a log that a replay left out, and why.
public struct SkippedThing: Hashable, Sendable {
    /// What kind of thing.
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

    /// The subvolume of the log.
    public var subvolume: ObjectID
    /// What was not replayed.
    public var what: What
    /// Why, in a sentence.
    public var reason: String
    /// Where in the log it was found out.
    public var place: LogPlace

    /// Something that was not replayed.
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
