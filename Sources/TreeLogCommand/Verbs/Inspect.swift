internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// `treelog inspect`
struct Inspect: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows what the log holds: which files, and how much of them, would be lost without it.",
        usage: "treelog inspect [options] <image> ...",
        discussion: """
            Before 'btrfs rescue zero-log' throws a log away, see what is in it. The log is replayed in memory, and \
            the volume with it is compared with the volume without it. Where the replay fails the reason is shown, \
            and what the items of the log say; the exit code is then 4. Nothing is written.

            EXAMPLES
              treelog inspect disk.img
              treelog inspect --json /dev/sdb1 /dev/sdc1
              treelog inspect --policy salvage --all disk.img
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var policy: PolicyOptions

    @Flag(help: "List all files; otherwise the first 40 of each subvolume.")
    var all = false

    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let registry = try policy.makeRegistry()
        let devices = try arguments.images.map { (path) throws(DeviceError) in
            try FileDevice(path: path, access: .readOnly)
        }
        let volume = try Volume(opening: devices)
        let printer = InspectPrinter(console, volume, arguments.images, showsAll: all, json: format.json)
        guard volume.superblock.logRoot.rawValue != 0 else {
            printer.writeNoLog()
            return .done
        }
        let meter = ProgressMeter(console)
        do {
            let replayer = try Replayer(
                volume, registry: registry, policy: policy.policy,
                options: policy.replayOptions(meter.hook))
            let (transaction, report) = try replayer.run()
            let replayed = VolumeFiles(volume) { (id: ObjectID) throws(VolumeError) in try transaction.tree(id) }
            let difference = LogDifference(before: VolumeFiles(volume), after: replayed)
            let changes = try difference.changes(in: report)
            try transaction.settle()
            meter.finish()
            printer.write(changes, report)
            return report.isPartial ? .partial : .done
        } catch {
            meter.finish()
            // A log whose roots cannot be read says nothing at all.
            let contents = try LogContents(volume)
            var failure = Failure(error)
            if let error = error as? LogError, error.conflictKind != nil, !error.isDamageOfVolume {
                let images = arguments.images.joined(separator: " ")
                failure.nextStep = "See what can be saved: treelog replay --policy salvage --dry-run \(images)"
            }
            printer.write(contents, failure: failure)
            return .findings
        }
    }
}
