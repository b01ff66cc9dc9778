/// What Linux lets pass in a log although something is lost or odd.
public enum Tolerance: Int, CaseIterable, Sendable {
    /// The log has no checksums for an extent of a file that has checksums: reading it will fail.
    case missingChecksums
    /// A logged name is for an inode that does not exist: the name is dropped.
    case danglingNames
    /// A back reference is to a directory that does not exist: the name is dropped.
    case missingParents
    /// A log is for a subvolume that does not exist: it is dropped.
    case missingSubvolumes
    /// DIR_ITEM or DIR_LOG_ITEM entries of kernels before 5.17: they are ignored.
    case oldDirectoryItems
    /// Items of types that replay does not know: they are ignored.
    case ignoredItems
    /// A logged inode ends without a name and is deleted.
    case lostInodes
    /// The log of a kernel before 4.1 may lack attributes that still exist; replay removes what it lacks.
    case removedXattrs
}

extension Tolerance: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingChecksums: "missing checksums"
        case .danglingNames: "names of missing inodes"
        case .missingParents: "names in missing directories"
        case .missingSubvolumes: "logs of missing subvolumes"
        case .oldDirectoryItems: "directory items of old kernels"
        case .ignoredItems: "items of unknown types"
        case .lostInodes: "inodes without a name"
        case .removedXattrs: "removed extended attributes"
        }
    }
}

/// A named set of decisions: who resolves which kind of conflict, and what is tolerated.
///
/// A policy builds on a base: what it does not say, the base says. A kind that nobody resolves is decided by
/// the built-in rules, at no cost.
public struct Policy {
    /// The name under which it is chosen.
    public var name: String
    /// What it is for, in a sentence.
    public var summary: String
    /// The policy this one builds on; nil for one that stands alone.
    public var base: String?
    /// Who settles which kind of conflict.
    public var resolvers: [ConflictKind: any ConflictResolver]
    /// What is tolerated; nil for what the base tolerates, which without a base is everything.
    public var tolerances: Set<Tolerance>?
    /// Looks at items before they are replayed; nil for the filter of the base, if it has one. It is an object, so that
    /// to hand it on for each item copies no more than a reference.
    public var filter: (any ItemFilter & AnyObject)?

    /// A policy on top of `base`.
    public init(
        name: String, summary: String = "", base: String? = "mainline",
        resolvers: [ConflictKind: any ConflictResolver] = [:], tolerances: Set<Tolerance>? = nil,
        filter: (any ItemFilter & AnyObject)? = nil
    ) {
        self.name = name
        self.summary = summary
        self.base = base
        self.resolvers = resolvers
        self.tolerances = tolerances
        self.filter = filter
    }
}

/// A policy with its bases worked in, ready for use.
struct ResolvedPolicy {
    let name: String
    let filter: (any ItemFilter & AnyObject)?
    private let resolvers: [(any ConflictResolver)?]
    private let origins: [String]
    /// The kinds with a resolver, as bits.
    private let handledKinds: UInt32
    private let toleratedBits: UInt32

    /// - Throws: `LogError.Cause.unknownName` when the policy or a base is not registered, or bases form a circle.
    init(_ name: String, in registry: Registry) throws(LogError) {
        self.name = name
        var resolvers = [(any ConflictResolver)?](repeating: nil, count: ConflictKind.allCases.count)
        var origins = [String](repeating: "", count: ConflictKind.allCases.count)
        var tolerances: Set<Tolerance>?
        var filter: (any ItemFilter & AnyObject)?
        var next: String? = name
        var seen: Set<String> = []
        while let current = next {
            guard seen.insert(current).inserted, let policy = registry.policies[current] else {
                throw LogError(.unknownName(current), note: seen.count > 1 ? "a base of policy '\(name)'" : nil)
            }
            for (kind, resolver) in policy.resolvers where resolvers[kind.rawValue] == nil {
                resolvers[kind.rawValue] = resolver
                origins[kind.rawValue] = current
            }
            tolerances = tolerances ?? policy.tolerances
            filter = filter ?? policy.filter
            next = policy.base == current ? nil : policy.base
        }
        self.filter = filter
        self.resolvers = resolvers
        self.origins = origins
        handledKinds = resolvers.indices.reduce(0) { resolvers[$1] == nil ? $0 : $0 | 1 << UInt32($1) }
        toleratedBits = (tolerances ?? Set(Tolerance.allCases)).reduce(0) { $0 | 1 << UInt32($1.rawValue) }
    }

    @inline(__always)
    func handles(_ kind: ConflictKind) -> Bool { handledKinds & 1 << UInt32(kind.rawValue) != 0 }

    var handlesAny: Bool { handledKinds != 0 || filter != nil }

    @inline(__always)
    func tolerates(_ what: Tolerance) -> Bool { toleratedBits & 1 << UInt32(what.rawValue) != 0 }

    func resolver(for kind: ConflictKind) -> (any ConflictResolver)? { resolvers[kind.rawValue] }

    /// For messages: which resolver answers this kind.
    func resolverName(for kind: ConflictKind) -> String {
        "the resolver for '\(kind)' of policy '\(origins[kind.rawValue])'"
    }
}
