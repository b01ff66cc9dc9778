public import BtrfsFormat
public import BtrfsVolume

/// Why a log could not be walked or replayed, and where.
///
/// Nothing on the volume has changed when this is thrown: a replay stays in memory until its commit.
public struct LogError: Error, Sendable {
    /// What went wrong.
    public enum Cause: Sendable {
        /// The volume could not be read or changed.
        case volume(VolumeError)
        /// An item's bytes are not what the format says.
        case format(FormatError)
        /// Items contradict each other or the subvolume, so that the kernel would stop as well.
        case damaged(String)
        /// What Linux would take blindly although it harms the volume.
        case refused(String)
        /// Nothing of a log can be replayed, and it is not to be given up.
        case hopelessLog(String)
        /// An item is for an inode that is neither in the log nor in the subvolume.
        case missingInode(ObjectID)
        /// A name is for a directory that is neither in the log nor in the subvolume.
        case missingDirectory(ObjectID)
        /// A directory has another name at the index that a logged name has.
        case indexTaken(directory: ObjectID, index: UInt64)
        /// The log holds items of a type that must be understood, and nobody registered it.
        case unregisteredType(KeyType)
        /// A policy said to stop.
        case stopped(by: String, kind: ConflictKind, reason: String)
        /// A policy does not tolerate what the kernel does.
        case notTolerated(Tolerance, policy: String, detail: String)
        /// A resolver gave an answer that its kind of conflict cannot have.
        case invalidResolution(resolver: String, kind: ConflictKind, resolution: Resolution)
        /// A handler, resolver or process function of a plugin failed.
        case plugin(String)
        /// The registry has no process function or policy of this name.
        case unknownName(String)
        /// A resolver said to leave out an inode or item: the replay starts again without it.
        case leaveOut(SkippedThing)
    }

    /// What went wrong.
    public var cause: Cause
    /// Where in the log.
    public var place: LogPlace
    /// What else is known, such as the other side of a comparison.
    public var note: String?

    /// An error at a place of the log.
    @inline(never)
    public init(_ cause: Cause, at place: LogPlace = LogPlace(), note: String? = nil) {
        self.cause = cause
        self.place = place
        self.note = note
    }

    /// What a call inside threw, at a place of the log; a `LogError` keeps the place that it has.
    @inline(never)
    public init(from error: any Error, at place: LogPlace) {
        switch error {
        case let error as LogError: self = error
        case let error as VolumeError: self.init(.volume(error), at: place)
        case let error as FormatError: self.init(.format(error), at: place)
        default: self.init(.plugin("\(error)"), at: place)
        }
    }

    /// The inode whose items cannot be replayed because of this, where it is known.
    public var inode: ObjectID? {
        guard let key = place.key, key.objectID.isFile else { return nil }
        return key.objectID
    }

    /// The kind of conflict that a policy may resolve instead of failing; nil for what no policy can help.
    public var conflictKind: ConflictKind? {
        switch cause {
        case .format, .damaged, .refused, .volume(.format), .volume(.damaged), .volume(.refused),
            .volume(.noSuchKey), .volume(.keyExists), .volume(.itemTooLarge):
            .damagedItem
        case .missingInode: .missingInode
        case .missingDirectory: .missingParent
        case .indexTaken: .index
        case .unregisteredType: .customItem
        case .volume, .stopped, .notTolerated, .invalidResolution, .plugin, .unknownName, .leaveOut,
            .hopelessLog:
            nil
        }
    }

    /// Whether a block of the volume itself is damaged, which was read for the replay, and not one of the log.
    public var isDamageOfVolume: Bool {
        switch cause {
        case .volume(.damaged(_, let block?, _, _)): block != place.block
        case .volume(.format(let error)): error.block != nil && error.block != place.block
        default: false
        }
    }
}

extension LogError: CustomStringConvertible {
    public var description: String {
        let text = "\(place): \(causeText)"
        return note.map { "\(text) (\($0))" } ?? text
    }

    /// The cause alone, without the place.
    public var causeText: String {
        switch cause {
        case .volume(let error): "\(error)"
        case .format(let error): "\(error)"
        case .damaged(let text), .refused(let text), .plugin(let text): text
        case .hopelessLog(let text): "nothing of this log can be replayed: \(text)"
        case .missingInode(let inode): "inode \(inode) is neither in the log nor in the subvolume"
        case .missingDirectory(let inode): "directory \(inode) is neither in the log nor in the subvolume"
        case .indexTaken(let directory, let index):
            "directory \(directory) has another name at index \(index)"
        case .unregisteredType(let type):
            "the log holds items of the unregistered mandatory key type \(type.rawValue)"
        case .stopped(let policy, let kind, let reason): "policy '\(policy)' stopped at a conflict (\(kind)): \(reason)"
        case .notTolerated(_, let policy, let detail): "policy '\(policy)' does not tolerate this: \(detail)"
        case .invalidResolution(let resolver, let kind, let resolution):
            "\(resolver) answered '\(resolution)', which a conflict of kind '\(kind)' cannot have"
        case .unknownName(let name): "nothing is registered under the name '\(name)'"
        case .leaveOut(let thing): "left out: \(thing)"
        }
    }
}
