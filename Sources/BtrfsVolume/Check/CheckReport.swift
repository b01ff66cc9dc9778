/// How a volume is to be checked.
public struct CheckOptions {
    /// Whether the data of files is read, all copies, and compared with its checksums.
    public var verifiesData = false
    /// How many findings of one kind the report has at most; all are counted.
    public var findingLimit = 100
    /// Is told how far the check has come.
    public var progress: ((CheckProgress) -> Void)?

    /// All checks of metadata.
    public init(
        verifiesData: Bool = false, findingLimit: Int = 100, progress: ((CheckProgress) -> Void)? = nil
    ) {
        self.verifiesData = verifiesData
        self.findingLimit = findingLimit
        self.progress = progress
    }
}

/// How far a check has come.
public struct CheckProgress: Sendable {
    /// What is being looked at.
    public enum Phase: String, Sendable {
        /// In this order; `.data` only where the content of files is read too.
        case chunks, extents, checksums, trees, references, space, data
    }

    /// What is being looked at.
    public var phase: Phase
    /// How many tree blocks were read, or with `.data` how many bytes.
    public var done: UInt64
    /// How many there are; 0 where that is not known yet.
    public var total: UInt64
}

/// What a check found.
public struct CheckReport: Sendable {
    /// What was found, in the order in which it was; of each kind at most `CheckOptions.findingLimit`.
    public internal(set) var findings: [CheckFinding] = []
    /// How many errors of each kind were found, those that are not listed too.
    public internal(set) var errorCounts: [CheckFinding.Kind: Int] = [:]
    /// How many tree blocks were read, without those of a log.
    public internal(set) var blockCount = 0
    /// How many blocks the log has.
    public internal(set) var logBlockCount = 0
    /// How many data extents the extent tree lists.
    public internal(set) var dataExtentCount = 0
    /// How many subvolumes and snapshots were looked through.
    public internal(set) var subvolumeCount = 0
    /// How many inodes they have.
    public internal(set) var inodeCount = 0
    /// How many bytes are in use, data and tree blocks, each counted once.
    public internal(set) var usedByteCount: UInt64 = 0
    /// How many bytes of data were compared with their checksums, each copy counted.
    public internal(set) var verifiedByteCount: UInt64 = 0

    /// Whether no error was found.
    public var isClean: Bool { errorCounts.isEmpty }
    /// How many errors were found.
    public var errorCount: Int { errorCounts.values.reduce(0, +) }
    /// The errors among the findings.
    public var errors: [CheckFinding] { findings.filter { $0.severity == .error } }
}

/// Takes findings, and keeps no more of them than wanted: a damaged volume may have millions.
struct FindingSink {
    let limit: Int
    /// While things are read again, what was said before is not said again.
    var isMuted = false
    private(set) var findings: [CheckFinding] = []
    private(set) var errorCounts: [CheckFinding.Kind: Int] = [:]
    private var noteCounts: [CheckFinding.Kind: Int] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func error(_ kind: CheckFinding.Kind, _ place: CheckPlace, _ text: @autoclosure () -> String) {
        if isMuted { return }
        let count = errorCounts[kind, default: 0]
        errorCounts[kind] = count + 1
        if count < limit { add(kind, .error, place, text()) }
    }

    mutating func note(_ kind: CheckFinding.Kind, _ place: CheckPlace, _ text: @autoclosure () -> String) {
        if isMuted { return }
        let count = noteCounts[kind, default: 0]
        noteCounts[kind] = count + 1
        if count < limit { add(kind, .note, place, text()) }
    }

    private mutating func add(
        _ kind: CheckFinding.Kind, _ severity: CheckFinding.Severity, _ place: CheckPlace, _ text: String
    ) {
        findings.append(
            CheckFinding(
                kind: kind, severity: severity, text: text, tree: place.tree, block: place.block, slot: place.slot,
                key: place.key))
    }
}
