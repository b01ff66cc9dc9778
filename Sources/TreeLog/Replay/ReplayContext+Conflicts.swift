internal import BtrfsFormat

extension ReplayContext {
    /// Whether the policy decides conflicts of this kind. Where it does not, there is no need to build one.
    @inline(__always)
    public func handles(_ kind: ConflictKind) -> Bool { policy.handles(kind) }

    /// Has the policy decide, and writes it into the report. `skipInode` and `abort` do not come back: they are
    /// thrown, and the replay starts again or fails.
    ///
    /// - Parameter first: a resolver that is asked before the policy.
    public mutating func resolve(
        _ conflict: Conflict, by first: (any ConflictResolver)? = nil
    ) throws(LogError) -> Resolution {
        let resolution: Resolution
        let origin: String
        if let first {
            resolution = try first.resolve(conflict)
            origin = "the resolver of the item type"
        } else if let resolver = policy.resolver(for: conflict.kind) {
            resolution = try resolver.resolve(conflict)
            origin = policy.resolverName(for: conflict.kind)
        } else {
            return conflict.mainline
        }
        report.note(conflict, resolution)
        switch resolution {
        case .abort(let reason):
            throw failure(.stopped(by: policy.name, kind: conflict.kind, reason: reason))
        case .skipInode:
            throw failure(
                .leaveOut(
                    SkippedThing(.inode(conflict.inode), of: subvolume, reason: conflict.detail, at: place)))
        case .replace, .keepBoth:
            guard conflict.kind.allows(resolution) else {
                throw failure(
                    .invalidResolution(resolver: origin, kind: conflict.kind, resolution: resolution))
            }
            return resolution
        case .takeLogged, .keepCommitted, .skipItem:
            return resolution
        }
    }

    /// The error for an answer that makes no sense where it was asked for.
    func invalid(_ resolution: Resolution, _ kind: ConflictKind) -> LogError {
        failure(
            .invalidResolution(
                resolver: policy.resolverName(for: kind), kind: kind, resolution: resolution))
    }

    /// Decides about something Linux lets pass: counted, and refused where the policy does not tolerate it.
    public mutating func tolerate(
        _ what: Tolerance, _ detail: @autoclosure () -> String
    ) throws(LogError) {
        report.tolerated[what, default: 0] += 1
        guard policy.tolerates(what) else {
            throw failure(.notTolerated(what, policy: policy.name, detail: detail()))
        }
    }

    /// Decides about an item that cannot be replayed as it is: by a resolver, or else by the kernel's answer.
    ///
    /// - Returns: normally when the item is to be passed over.
    mutating func settleMissing(
        _ kind: ConflictKind, inode: ObjectID, name: [UInt8]? = nil, directory: ObjectID? = nil,
        detail: String
    ) throws(LogError) {
        guard policy.handles(kind) else { return }
        let conflict = Conflict(
            kind, at: place, inode: inode, name: name, directory: directory, detail: detail,
            mainline: .skipItem, paths: paths)
        switch try resolve(conflict) {
        case .skipItem, .keepCommitted: return
        case let other: throw invalid(other, kind)
        }
    }
}

extension ConflictKind {
    /// Whether a conflict of this kind can have an answer that carries something.
    func allows(_ resolution: Resolution) -> Bool {
        switch resolution {
        case .keepBoth(let name): self == .name && (1...255).contains(name.count)
        case .replace:
            self == .inodeItem || self == .xattr || self == .extent || self == .customItem
        default: true
        }
    }
}
