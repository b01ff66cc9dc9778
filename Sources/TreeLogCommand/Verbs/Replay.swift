internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// `treelog replay`
struct Replay: Verb {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replays the log of a volume, as Linux does when it mounts it.",
        usage: "treelog replay [options] <image> ...",
        discussion: """
            The replay is worked out in memory. Only when it has succeeded are new blocks written, to free places, \
            and then the superblock: a replay that fails or is interrupted leaves the volume as it was. A volume \
            that is mounted or in use is refused.

            EXAMPLES
              treelog replay --dry-run disk.img
              treelog replay --undo before.undo disk.img
              treelog replay --output fixed.img disk.img
              treelog replay --policy salvage /dev/sdb1 /dev/sdc1
              treelog replay --plugin Plugins/keep-both --policy keep-both disk.img

            The policy salvage brings over every inode that can be brought over whole, and lists the others; the \
            exit code is then 2. Where nothing of the log of a subvolume can be read it fails, unless \
            --give-up-logs says that this log may go. A volume without a log is left alone, with exit code 0; where \
            the first superblock of a device is torn it is written anew from its copy.
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var policy: PolicyOptions

    @Flag(name: .customLong("dry-run"), help: "Do everything but write; exit code 3 when a replay is pending.")
    var dryRun = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Leave the images alone and write copies with the replay done; one for each image.",
            valueName: "file"),
        completion: .file())
    var output: [String] = []

    @Option(
        help: ArgumentHelp(
            "Save what is overwritten to a new file, for 'treelog undo'.", valueName: "file"),
        completion: .file())
    var undo: String?

    @Option(help: ArgumentHelp("Give up after this time, with the volume unchanged.", valueName: "seconds"))
    var timeout: Double?

    @OptionGroup var format: OutputOptions
    static let changesVolumes = true

    func validate() throws {
        if dryRun, !output.isEmpty || undo != nil {
            throw ValidationError("--dry-run writes nothing: it does not go with --output or --undo")
        }
        if !output.isEmpty, undo != nil {
            throw ValidationError("--output leaves the images alone: it does not go with --undo")
        }
        if !output.isEmpty, output.count != arguments.images.count {
            throw ValidationError(
                "\(countText(arguments.images.count, "image")) but \(countText(output.count, "--output"));"
                    + " give one for each image")
        }
        if let timeout, !(timeout > 0 && timeout < 1e9) {
            throw ValidationError("--timeout needs a number of seconds above 0")
        }
    }

    func perform(_ console: Console) throws -> Outcome {
        let limit = try timeout.map { try TimeLimit(seconds: $0) }
        defer { limit?.end() }
        let registry = try policy.makeRegistry(limit: limit)
        let meter = ProgressMeter(console)
        do {
            let job = try ReplayJob(
                arguments.images, destination, registry, policy: policy.policy, limit: limit,
                options: policy.replayOptions(meter.hook))
            try job.run()
            meter.finish()
            let printer = ReplayPrinter(job, console)
            if format.json { try printer.writeJSON() } else { try printer.writeText() }
            return job.outcome
        } catch {
            meter.finish()
            if let limit, limit.isExceeded { throw limit.failure }
            throw error
        }
    }

    private var destination: ReplayJob.Destination {
        if dryRun { return .nowhere }
        if !output.isEmpty { return .copies(output) }
        return .inPlace(undo: undo)
    }
}
