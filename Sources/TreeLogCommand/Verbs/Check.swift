internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume

/// `treelog check`
struct Check: Verb {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks that the volume agrees with itself.",
        usage: "treelog check [options] <image> ...",
        discussion: """
            EXAMPLES
              treelog check disk.img
              treelog check --data /dev/sdb1 /dev/sdc1
              treelog check --json disk.img

            Superblocks, chunks, all copies of all tree blocks, references, used and free space, checksums, names, \
            links and sizes, as of the last commit. A log that waits for its replay is read, but not applied. Nothing \
            is written. The exit code is 4 when errors were found.
            """)

    @Flag(help: "Read the data of all files, all copies, and compare it with its checksums.")
    var data = false

    @Option(help: ArgumentHelp("How many findings of one kind are listed; all are counted.", valueName: "count"))
    var limit = 100

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var format: OutputOptions

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func perform(_ console: Console) throws -> Outcome {
        let devices = try arguments.images.map { (path) throws(DeviceError) in
            try FileDevice(path: path, access: .readOnly)
        }
        let volume = try Volume(opening: devices)
        let meter = CheckMeter(console)
        let options = CheckOptions(verifiesData: data, findingLimit: limit, progress: meter.hook)
        let report = VolumeChecker(volume, options: options).run()
        console.clearStatus()
        if format.json {
            write(report, volume, JSONWriter(console, expandedDepth: 2))
        } else {
            write(report, volume, console)
        }
        return report.isClean ? .done : .findings
    }

    // MARK: Text

    private func write(_ report: CheckReport, _ volume: Volume, _ console: Console) {
        var advised: Set<CheckFinding.Kind> = []
        for finding in report.findings {
            console.line("\(finding.severity.rawValue): \(finding)")
        }
        if !report.findings.isEmpty { console.line() }
        for finding in report.errors where advised.insert(finding.kind).inserted {
            let count = report.errorCounts[finding.kind] ?? 0
            let name = finding.kind.rawValue.replacing("_", with: " ")
            console.line("\(name), \(count) \(count == 1 ? "error" : "errors"): \(finding.advice)")
        }
        var looked =
            "\(report.blockCount) tree blocks, \(report.dataExtentCount) data extents, "
            + "\(report.subvolumeCount) subvolumes with \(report.inodeCount) inodes; "
            + "\(report.usedByteCount) bytes in use"
        if report.logBlockCount > 0 { looked += "; a log of \(report.logBlockCount) blocks waits for its replay" }
        if data { looked += "; \(report.verifiedByteCount) bytes of data read" }
        console.line("Generation \(volume.superblock.generation): \(looked).")
        console.line(report.isClean ? "No error found." : "\(report.errorCount) errors found.")
    }

    // MARK: JSON

    private func write(_ report: CheckReport, _ volume: Volume, _ json: JSONWriter) {
        json.document("check") {
            json.field("result", report.isClean ? "clean" : "errors")
            json.field("images", arguments.images)
            json.field("fsid", volume.superblock.fsid)
            json.field("generation", volume.superblock.generation)
            json.field("errors", report.errorCount)
            json.object("error_counts") {
                for (kind, count) in report.errorCounts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                    json.field(kind.rawValue, count)
                }
            }
            json.field("tree_blocks", report.blockCount)
            json.field("log_blocks", report.logBlockCount)
            json.field("data_extents", report.dataExtentCount)
            json.field("subvolumes", report.subvolumeCount)
            json.field("inodes", report.inodeCount)
            json.field("bytes_used", report.usedByteCount)
            json.field("bytes_verified", report.verifiedByteCount)
            json.array("findings") {
                for finding in report.findings { write(finding, json) }
            }
        }
    }

    private func write(_ finding: CheckFinding, _ json: JSONWriter) {
        json.object {
            json.field("severity", finding.severity.rawValue)
            json.field("kind", finding.kind.rawValue)
            json.field("message", finding.text)
            json.field("tree", finding.tree)
            json.field("block", finding.block)
            json.field("slot", finding.slot)
            json.field("key", finding.key.map { "\($0)" })
            json.field("next_step", finding.advice)
        }
    }
}

/// A line on the terminal that shows how far a check has come.
private final class CheckMeter {
    private let console: Console
    private var shown = ContinuousClock.now

    init(_ console: Console) { self.console = console }

    var hook: ((CheckProgress) -> Void)? { console.showsStatus ? { [self] in update($0) } : nil }

    private func update(_ progress: CheckProgress) {
        let now = ContinuousClock.now
        guard now - shown >= .milliseconds(80) else { return }
        shown = now
        let unit = progress.phase == .data ? "bytes" : "blocks"
        let total = progress.total > 0 ? " of \(progress.total)" : ""
        let text = "\(progress.phase.rawValue): \(progress.done)\(total) \(unit)"
        console.showStatus(text.fitted(to: console.statusColumnCount))
    }
}
