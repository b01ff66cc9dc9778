internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// Which policy settles conflicts, and which plugins take part.
struct PolicyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Who settles conflicts: mainline (as Linux does), strict, salvage, or a policy of a plugin.",
            valueName: "name"))
    var policy = Policy.mainlineName

    @Flag(
        name: .customLong("give-up-logs"),
        help: "With a policy that leaves things out: give up logs of which nothing can be read; otherwise it fails.")
    var givesUpLogs = false

    @OptionGroup var plugins: PluginOptions

    func replayOptions(_ progress: ((Progress) -> Void)?) -> ReplayOptions {
        ReplayOptions(givesUpLogs: givesUpLogs, progress: progress)
    }

    /// The registry with all plugins in it.
    ///
    /// - Throws: `PluginFailure` when a plugin does not load, `ValidationError` when there is no such policy.
    func makeRegistry(limit: TimeLimit? = nil) throws -> Registry {
        try makeRegistry(with: try plugins.load(offering: [policy], limit: limit))
    }

    func makeRegistry(with plugins: LoadedPlugins) throws -> Registry {
        let registry = try plugins.makeRegistry()
        guard registry.policies[policy] == nil else { return registry }
        throw ValidationError(unknownText("policy", policy, known: registry.policies.keys))
    }
}

/// Whether a verb that reads sees the volume with its log applied.
struct ViewOptions: ParsableArguments {
    @Flag(help: "Read the volume as it is after the replay of its log, which is done in memory only.")
    var replayed = false

    @OptionGroup var policy: PolicyOptions
}

/// A volume that is only read: as of its last commit, or with its log replayed in memory.
final class VolumeView {
    let devices: [FileDevice]
    let volume: Volume
    /// The replay; nil where the volume is seen as of its last commit.
    let transaction: Transaction?
    let report: ReplayReport?
    let files: VolumeFiles
    let registry: Registry

    init(_ images: [String], _ options: ViewOptions, _ console: Console) throws {
        let registry = try options.policy.makeRegistry()
        self.registry = registry
        devices = try images.map { (path) throws(DeviceError) in
            try FileDevice(path: path, access: .readOnly)
        }
        let volume = try Volume(opening: devices)
        self.volume = volume
        for warning in volume.warnings { console.complain(warning) }
        guard options.replayed, volume.superblock.logRoot.rawValue != 0 else {
            (transaction, report) = (nil, nil)
            files = VolumeFiles(volume)
            return
        }
        let meter = ProgressMeter(console)
        let replayer = try Replayer(
            volume, registry: registry, policy: options.policy.policy,
            options: options.policy.replayOptions(meter.hook))
        let (transaction, report) = try replayer.run()
        // So that the trees of space agree as well, of which the state of extents is read.
        try transaction.settle()
        meter.finish()
        (self.transaction, self.report) = (transaction, report)
        files = VolumeFiles(volume) { (id: ObjectID) throws(VolumeError) in try transaction.tree(id) }
        for warning in transaction.warnings { console.complain(warning) }
    }

    /// What the policy makes of the outcome of reading.
    var outcome: Outcome { report?.isPartial == true ? .partial : .done }

    /// The tree with a number, as it is seen.
    func tree(_ id: ObjectID) throws(VolumeError) -> Tree? {
        if id == .chunkTree { return try volume.chunkTree() }
        if let transaction { return try transaction.tree(id) }
        return try volume.tree(id)
    }
}

/// A subvolume by its number or path.
struct SubvolumeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Start at this subvolume, by number or by path from the top level.", valueName: "id|path"))
    var subvolume: String?

    /// The number of the subvolume; the top level where none is named.
    func number(in files: VolumeFiles) throws -> ObjectID {
        guard let subvolume else { return .fileTree }
        if let number = UInt64(subvolume) {
            guard try files.namespace(of: ObjectID(number)) != nil else {
                throw Failure("there is no subvolume \(number)", nextStep: "'treelog info' lists them.")
            }
            return ObjectID(number)
        }
        guard let place = try files.resolve(Array(subvolume.utf8)), place.inode == .firstFree else {
            throw Failure("\(subvolume) is no subvolume", nextStep: "'treelog info' lists them.")
        }
        return place.subvolume
    }
}

/// A path within the volume.
struct PathOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "A path within the volume; %XX stands for the byte with this hexadecimal number.")
    var path = "/"

    @OptionGroup var subvolume: SubvolumeOptions

    /// - Throws: `Failure` where the path leads nowhere.
    func resolve(in files: VolumeFiles, symlinks: SymlinkPolicy) throws -> FileLocation {
        let start = try subvolume.number(in: files)
        let bytes = Array(path.utf8)
        // As it is typed first, so that a percent sign need not be written as %25.
        for candidate in [bytes, Self.unescaped(bytes)] {
            if let place = try files.resolve(candidate, from: start, symlinks: symlinks) { return place }
        }
        throw Failure("there is no \(path) in the volume", nextStep: "What only the log holds needs --replayed.")
    }

    private static func unescaped(_ text: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text[...]
        while let first = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if first == UInt8(ascii: "%"), digits.utf8.count == 2, let byte = UInt8(digits, radix: 16) {
                bytes.append(byte)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(first)
            }
        }
        return bytes
    }
}
