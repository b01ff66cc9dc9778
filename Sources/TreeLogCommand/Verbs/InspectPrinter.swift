internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// How `inspect` looks.
struct InspectPrinter {
    private let console: Console
    private let volume: Volume
    private let images: [String]
    private let limit: Int
    private let json: JSONWriter?

    private static let shownCount = 40

    init(_ console: Console, _ volume: Volume, _ images: [String], showsAll: Bool, json: Bool) {
        self.console = console
        self.volume = volume
        self.images = images
        limit = showsAll ? .max : Self.shownCount
        self.json = json ? JSONWriter(console, expandedDepth: 4) : nil
    }

    private func writeHead(_ json: JSONWriter, result: String) {
        json.field("result", result)
        json.field("images", images)
        json.field("fsid", volume.superblock.fsid)
        json.field("generation", volume.superblock.generation)
        json.field("warnings", volume.warnings)
    }

    private var imageNames: String { images.joined(separator: ", ") }

    func writeNoLog() {
        if let json {
            json.document("inspect") { writeHead(json, result: "no_log") }
            return
        }
        for warning in volume.warnings { console.complain(warning) }
        let text = volume.hasDamagedSuperblock ? "no log is known" : "the volume has no log; nothing would be lost"
        console.line("\(imageNames): \(text).")
    }

    // MARK: A log that can be replayed

    func write(_ subvolumes: [SubvolumeChanges], _ report: ReplayReport) {
        let totals = ChangeTotals(subvolumes)
        if let json { return write(subvolumes, report, totals, json) }
        for warning in volume.warnings { console.complain(warning) }
        console.line(
            "\(imageNames): log of generation \(report.generation), "
                + "\(countText(report.logBlockCount, "block")); it can be replayed.")
        console.line(Self.sentence(totals))
        for subvolume in subvolumes { write(subvolume) }
        if !report.skipped.isEmpty {
            console.line("left out by the policy \(report.policy), or as Linux does")
            for thing in report.skipped { console.line("  \(thing)") }
        }
    }

    private static func sentence(_ totals: ChangeTotals) -> String {
        let counts: [(Int, String, String)] = [
            (totals.createdFileCount, "new file", "new files"),
            (totals.createdDirectoryCount, "new directory", "new directories"),
            (totals.rewrittenFileCount, "file with new data", "files with new data"),
            (totals[.renamed], "rename", "renames"), (totals[.linked], "further name", "further names"),
            (totals[.unlinked], "removed name", "removed names"),
            (totals[.deleted], "deletion", "deletions"), (totals[.xattrs], "change of xattrs", "changes of xattrs"),
            (totals[.attributes], "change of mode or owner", "changes of mode or owner"),
        ]
        let parts = counts.filter { $0.0 > 0 }.map { countText($0.0, $0.1, plural: $0.2) }
        guard !parts.isEmpty else { return "Without the log nothing but times would be lost." }
        let data = totals.dataByteCount > 0 ? " (\(byteText(totals.dataByteCount)) of data)" : ""
        return "Without the log would be lost: \(parts.joined(separator: ", "))\(data)."
    }

    private func write(_ subvolume: SubvolumeChanges) {
        if let reason = subvolume.reasonNotReplayed {
            return console.line("subvolume \(subvolume.subvolume): the log is not replayed: \(reason)")
        }
        let changes = subvolume.changes.filter(\.matters)
        console.line("subvolume \(subvolume.subvolume) \(pathText(subvolume.path))")
        if changes.isEmpty { console.line("  nothing but times") }
        var table = TextTable([.left, .left])
        for change in changes.prefix(limit) {
            table.append(
                pathText(change.path, in: subvolume.path, else: change.inode), Self.description(of: change))
        }
        table.print(to: console)
        if changes.count > limit { console.line("  and \(changes.count - limit) more; --all lists them") }
    }

    /// What changed, in a few words.
    private static func description(of change: InodeChange) -> String {
        var parts: [String] = []
        for kind in change.kinds {
            switch kind {
            case .created: parts.append("new \(change.type.word)")
            case .deleted: parts.append("deleted \(change.type.word), \(byteText(change.sizeBefore ?? 0))")
            case .renamed: parts.append("renamed from \(names(change.removedNames))")
            case .linked: parts.append("also named \(names(change.addedNames))")
            case .unlinked: parts.append("no longer named \(names(change.removedNames))")
            case .size: parts.append("size \(change.sizeBefore ?? 0) to \(change.sizeAfter ?? 0)")
            case .data: parts.append("\(byteText(change.dataByteCount)) of data")
            case .xattrs: parts.append(xattrs(of: change))
            case .attributes: parts.append("mode, owner or flags")
            case .times: break
            }
        }
        return parts.joined(separator: ", ")
    }

    private static func names(_ paths: [[UInt8]]) -> String {
        let shown = paths.prefix(2).map { pathText($0) }.joined(separator: ", ")
        return paths.count > 2 ? shown + " and \(paths.count - 2) more" : shown
    }

    private static func xattrs(of change: InodeChange) -> String {
        let names = change.setXattrs.map { "+" + EscapedBytes.text($0) }
            + change.removedXattrs.map { "-" + EscapedBytes.text($0) }
        let shown = names.prefix(3).joined(separator: " ")
        return "xattrs \(shown)" + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }

    private func write(
        _ subvolumes: [SubvolumeChanges], _ report: ReplayReport, _ totals: ChangeTotals, _ json: JSONWriter
    ) {
        json.document("inspect") {
            writeHead(json, result: report.isPartial ? "partial" : "replayable")
            json.field("policy", report.policy)
            json.field("log_blocks", report.logBlockCount)
            json.object("totals") {
                for kind in InodeChange.Kind.allCases { json.field(kind.rawValue, totals[kind]) }
                json.field("data_bytes", totals.dataByteCount)
            }
            json.array("subvolumes") {
                for subvolume in subvolumes {
                    json.object {
                        json.field("id", subvolume.subvolume)
                        json.field("path", subvolume.path.map { pathText($0) })
                        json.field("replayed", subvolume.reasonNotReplayed == nil)
                        json.array("inodes") { for change in subvolume.changes { write(change, json) } }
                    }
                }
            }
            json.array("skipped") { for thing in report.skipped { json.write(thing) } }
        }
    }

    private func write(_ change: InodeChange, _ json: JSONWriter) {
        func texts(_ paths: [[UInt8]]) -> [String] { paths.map { pathText($0) } }
        json.object {
            json.field("path", change.path.map { pathText($0) })
            json.field("inode", change.inode)
            json.field("type", change.type.word)
            json.field("changes", change.kinds.map(\.rawValue))
            json.field("size_before", change.sizeBefore)
            json.field("size_after", change.sizeAfter)
            json.field("data_bytes", change.dataByteCount)
            json.field("names_added", texts(change.addedNames))
            json.field("names_removed", texts(change.removedNames))
            json.field("xattrs_set", change.setXattrs.map { Escaped($0) })
            json.field("xattrs_removed", change.removedXattrs.map { Escaped($0) })
        }
    }

    // MARK: A log that cannot be replayed

    func write(_ contents: LogContents, failure: Failure) {
        if let json { return write(contents, failure, json) }
        for warning in volume.warnings { console.complain(warning) }
        console.line("\(imageNames): the log cannot be replayed.")
        console.line("reason  \(failure.message)")
        if let nextStep = failure.nextStep { console.line("next    \(nextStep)") }
        console.line("What the items of the log say:")
        for log in contents.logs { write(log) }
    }

    private func write(_ log: LogContents.Log) {
        let path = log.exists ? pathText(log.path) : "(deleted)"
        console.line("subvolume \(log.subvolume) \(path)")
        var table = TextTable([.left, .left])
        for inode in log.inodes.prefix(limit) {
            table.append(pathText(inode.path, in: log.path, else: inode.inode), Self.description(of: inode))
        }
        table.print(to: console)
        if log.inodes.count > limit { console.line("  and \(log.inodes.count - limit) more; --all lists them") }
        for problem in log.problems { console.line("  unreadable: \(problem.message)") }
    }

    private static func description(of inode: LogContents.LoggedInode) -> String {
        var parts: [String] = []
        if let item = inode.item {
            parts.append((inode.isCommitted ? "" : "new ") + item.fileType.word)
            if !item.isDirectory { parts.append("size \(item.size)") }
        } else {
            parts.append(inode.isCommitted ? "names only" : "names of an inode that is not there")
        }
        if inode.dataByteCount > 0 { parts.append("\(byteText(inode.dataByteCount)) of data") }
        if inode.entryCount > 0 { parts.append(countText(inode.entryCount, "entry", plural: "entries")) }
        if inode.xattrCount > 0 { parts.append(countText(inode.xattrCount, "xattr")) }
        return parts.joined(separator: ", ")
    }

    private func write(_ contents: LogContents, _ failure: Failure, _ json: JSONWriter) {
        json.document("inspect") {
            writeHead(json, result: "not_replayable")
            json.object("error") {
                json.field("message", failure.message)
                json.field("next_step", failure.nextStep)
                json.field("place", failure.place)
            }
            json.array("subvolumes") {
                for log in contents.logs {
                    json.object {
                        json.field("id", log.subvolume)
                        json.field("path", log.path.map { pathText($0) })
                        json.field("exists", log.exists)
                        json.array("logged_inodes") { for inode in log.inodes { write(inode, json) } }
                        json.field("problems", log.problems.map(\.message))
                    }
                }
            }
        }
    }

    private func write(_ inode: LogContents.LoggedInode, _ json: JSONWriter) {
        json.object {
            json.field("path", inode.path.map { pathText($0) })
            json.field("inode", inode.inode)
            json.field("type", inode.item?.fileType.word)
            json.field("committed", inode.isCommitted)
            json.field("size", inode.item?.size)
            json.field("data_bytes", inode.dataByteCount)
            json.field("entries", inode.entryCount)
            json.field("xattrs", inode.xattrCount)
        }
    }
}
