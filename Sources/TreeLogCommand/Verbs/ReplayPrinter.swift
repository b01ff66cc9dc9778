internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// How the result of a replay looks.
struct ReplayPrinter {
    private let job: ReplayJob
    private let console: Console
    private let files: VolumeFiles

    /// So many inodes are named in the text; JSON names all.
    private static let shownInodeCount = 20

    init(_ job: ReplayJob, _ console: Console) {
        self.job = job
        self.console = console
        if case .replayed(let transaction, _) = job.result {
            // Paths are looked up in the trees that are in memory already.
            files = VolumeFiles(job.volume) { (id: ObjectID) throws(VolumeError) in try transaction.tree(id) }
        } else {
            files = VolumeFiles(job.volume)
        }
    }

    private var warnings: [String] {
        guard case .replayed(let transaction, _) = job.result else { return job.volume.warnings }
        return job.volume.warnings + transaction.warnings
    }

    private var place: String {
        if case .copies(let paths) = job.destination { return paths.joined(separator: ", ") }
        return job.images.joined(separator: ", ")
    }

    // MARK: Text

    func writeText() throws {
        for warning in warnings { console.complain(warning) }
        switch job.result {
        case .noLog: console.line("\(place): the volume has no log; nothing to do.")
        case .repairedSuperblocks:
            console.line(
                job.isDryRun
                    ? "\(place): the first superblock is damaged; a replay would write it anew from its copy."
                    : "\(place): the superblocks were written anew.")
        case .replayed(_, let report): try write(report)
        }
        if job.isDryRun, let count = job.writtenByteCount {
            console.line("Dry run: nothing was written; it would have been \(byteText(count)).")
        }
        if case .inPlace(.some(let undo)) = job.destination, job.report != nil {
            console.line("To take it back: treelog undo \(undo) \(job.images.joined(separator: " "))")
        }
    }

    private func write(_ report: ReplayReport) throws {
        let verb = job.isDryRun ? "The log can be replayed" : "The log was replayed"
        console.line(
            "\(place): \(verb) with the policy \(report.policy); generation \(report.committedGeneration) "
                + (job.isDryRun ? "would become" : "became") + " \(report.generation).")
        for subvolume in report.subvolumes.reversed() { try write(subvolume) }
        if !report.skipped.isEmpty {
            console.line("left out")
            for thing in report.skipped { console.line("  \(thing)") }
        }
        for plugin in report.extensions { console.write(plugin) }
    }

    private func write(_ report: SubvolumeReport) throws {
        let subvolumePath = try? files.path(of: report.subvolume)
        guard report.isReplayed else {
            return console.line("subvolume \(report.subvolume): not replayed")
        }
        let new = report.inodes.count { $0.isNew }
        let bytes = report.inodes.reduce(UInt64(0)) { $0 &+ $1.byteCount }
        console.line(
            "subvolume \(report.subvolume) \(pathText(subvolumePath)): \(countText(report.itemCount, "item")) "
                + "of \(countText(report.inodes.count, "inode")), \(new) new, \(byteText(bytes)) of data")
        var table = TextTable([.left, .left])
        for inode in report.inodes.prefix(Self.shownInodeCount) {
            let path = try? files.namespace(of: report.subvolume)?.path(of: inode.inode)
            table.append(pathText(path, in: subvolumePath, else: inode.inode), description(of: inode))
        }
        table.print(to: console)
        let rest = report.inodes.count - Self.shownInodeCount
        if rest > 0 { console.line("  and \(rest) more; --json lists all") }
        for rename in report.renames {
            console.line("  inode \(rename.inode) is now named \(EscapedBytes.text(rename.name))")
        }
    }

    private func description(of inode: InodeReport) -> String {
        var parts: [String] = []
        if inode.isNew { parts.append("new \(DirEntryType(mode: inode.mode).word)") }
        if inode.isOrphan { parts.append("without a name, deleted") }
        if inode.byteCount > 0 { parts.append("\(byteText(inode.byteCount)) of data") }
        let counts: [(UInt32, String)] = [
            (inode.addedNameCount, "name added"), (inode.removedNameCount, "name removed"),
            (inode.setXattrCount, "xattr set"), (inode.removedXattrCount, "xattr removed"),
            (inode.customItemCount, "custom item"),
        ]
        for (count, text) in counts where count > 0 { parts.append(count == 1 ? text : "\(text) \(count) times") }
        if inode.missingChecksumByteCount > 0 {
            parts.append("\(byteText(inode.missingChecksumByteCount)) without checksums")
        }
        return parts.isEmpty ? "attributes" : parts.joined(separator: ", ")
    }

    // MARK: JSON

    func writeJSON() throws {
        let json = JSONWriter(console, expandedDepth: 4)
        json.document("replay") {
            json.field("result", resultWord)
            json.field("dry_run", job.isDryRun)
            json.field("images", job.images)
            if case .copies(let paths) = job.destination { json.field("outputs", paths) }
            if case .inPlace(.some(let undo)) = job.destination { json.field("undo", undo) }
            json.field("fsid", job.volume.superblock.fsid)
            json.field("generation_before", job.committedGeneration)
            json.field("generation_after", job.report?.generation ?? job.committedGeneration)
            json.field("bytes_written", job.writtenByteCount)
            json.field("warnings", warnings)
            if let report = job.report { write(report, json) }
        }
    }

    private var resultWord: String {
        switch job.result {
        case .noLog: "no_log"
        case .repairedSuperblocks: "superblocks_repaired"
        case .replayed(_, let report): report.isPartial ? "partial" : "replayed"
        }
    }

    private func write(_ report: ReplayReport, _ json: JSONWriter) {
        json.field("policy", report.policy)
        json.field("log_blocks", report.logBlockCount)
        json.field("restarts", report.restartCount)
        json.array("handlers") {
            for handler in report.handlers {
                json.object {
                    json.field("item_type", handler.itemType)
                    json.field("key_type", handler.keyType.rawValue)
                    json.field("handler", handler.handler)
                    json.field("stage", "\(handler.stage)")
                }
            }
        }
        json.array("plugins") { for plugin in report.extensions { json.write(plugin) } }
        json.array("subvolumes") {
            for subvolume in report.subvolumes.reversed() { json.object { write(subvolume, json) } }
        }
    }

    private func write(_ report: SubvolumeReport, _ json: JSONWriter) {
        json.field("id", report.subvolume)
        json.field("path", (try? files.path(of: report.subvolume)).map { pathText($0) })
        json.field("replayed", report.isReplayed)
        json.field("items", report.itemCount)
        json.field("ignored_inodes", report.ignoredInodeCount)
        json.field("taken_names", report.takenNameCount)
        json.object("ignored_items") {
            for (type, count) in report.ignoredItems.sorted(by: { $0.key < $1.key }) { json.field("\(type)", count) }
        }
        json.object("tolerated") {
            for (what, count) in report.tolerated.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                json.field("\(what)", count)
            }
        }
        json.array("inodes") { for inode in report.inodes { write(inode, in: report.subvolume, json) } }
        json.array("renames") {
            for rename in report.renames {
                json.object {
                    json.field("inode", rename.inode)
                    json.field("name", Escaped(rename.name))
                }
            }
        }
        json.array("conflicts") { for conflict in report.conflicts { write(conflict, json) } }
        json.array("left_out") { for thing in report.leftOut { json.write(thing) } }
        json.array("passed_over") { for thing in report.passedOver { json.write(thing) } }
    }

    private func write(_ inode: InodeReport, in subvolume: ObjectID, _ json: JSONWriter) {
        json.object {
            json.field("inode", inode.inode)
            json.field("path", (try? files.namespace(of: subvolume)?.path(of: inode.inode)).map { pathText($0) })
            json.field("type", inode.mode == 0 ? nil : DirEntryType(mode: inode.mode).word)
            json.field("new", inode.isNew)
            json.field("orphan", inode.isOrphan)
            json.field("names_added", inode.addedNameCount)
            json.field("names_removed", inode.removedNameCount)
            json.field("xattrs_set", inode.setXattrCount)
            json.field("xattrs_removed", inode.removedXattrCount)
            json.field("extents", inode.extentCount)
            json.field("bytes", inode.byteCount)
            json.field("bytes_without_checksums", inode.missingChecksumByteCount)
        }
    }

    private func write(_ conflict: ConflictReport, _ json: JSONWriter) {
        json.object {
            json.field("kind", "\(conflict.kind)")
            json.field("inode", conflict.inode)
            json.field("directory", conflict.directory)
            json.field("name", conflict.name.map { Escaped($0) })
            json.field("detail", conflict.detail)
            json.field("resolution", "\(conflict.resolution)")
            json.field("place", conflict.place)
        }
    }
}

extension JSONWriter {
    /// What a replay left out.
    func write(_ thing: SkippedThing) {
        object {
            switch thing.what {
            case .log: field("what", "log")
            case .inode(let inode):
                field("what", "inode")
                field("inode", inode)
            case .inodes(let range):
                field("what", "inodes")
                field("first_inode", ObjectID(range.lowerBound))
                field("last_inode", ObjectID(range.upperBound))
            case .item: field("what", "item")
            case .name(let name, let directory, let inode):
                field("what", "name")
                field("name", Escaped(name))
                field("directory", directory)
                field("inode", inode)
            }
            field("subvolume", thing.subvolume)
            field("reason", thing.reason)
            field("place", thing.place)
        }
    }
}
