internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume

/// How `info` looks.
enum InfoPrinter {
    static func write(_ console: Console, _ summary: VolumeSummary) {
        let superblock = summary.superblock
        var table = TextTable([.left, .left], maximumWidth: 200)
        if !superblock.label.isEmpty { table.append("label", EscapedBytes.text(superblock.label)) }
        table.append("fsid", "\(superblock.fsid)")
        if superblock.metadataUUID != superblock.fsid { table.append("metadata", "\(superblock.metadataUUID)") }
        table.append("generation", "\(superblock.generation)")
        table.append(
            "size", "\(byteText(superblock.totalBytes)), \(byteText(superblock.bytesUsed)) used")
        let sizes = "nodes of \(superblock.nodeSize) bytes, sectors of \(superblock.sectorSize)"
        table.append("blocks", "\(sizes), \(superblock.checksumType.name)")
        for (index, chunk) in summary.chunks.enumerated() {
            table.append(index == 0 ? "chunks" : "", "\(chunk.type) \(byteText(chunk.byteCount))")
        }
        table.append("features", features(superblock).joined(separator: " "))
        append(subvolumes: summary, to: &table)
        append(logOf: summary, to: &table)
        if let refusal = summary.refusal { table.append("read-only", refusal) }
        for warning in summary.volume.warnings { table.append("warning", warning) }
        for problem in summary.problems { table.append("problem", problem) }
        table.print(to: console, indentation: "")
    }

    private static func features(_ superblock: Superblock) -> [String] {
        let names = [
            IncompatFeatures.names.joined(bits: superblock.incompat.rawValue),
            CompatROFeatures.names.joined(bits: superblock.compatRO.rawValue),
        ]
        return names.filter { $0 != "none" }.flatMap { $0.split(separator: "|").map { $0.lowercased() } }
    }

    private static func append(subvolumes summary: VolumeSummary, to table: inout TextTable) {
        let shown = 8
        for (index, subvolume) in summary.subvolumes.prefix(shown).enumerated() {
            table.append(index == 0 ? "subvolumes" : "", "\(subvolume.id)  \(pathText(subvolume.path))")
        }
        let rest = summary.subvolumes.count - shown
        if rest > 0 { table.append("", "and \(rest) more (--json lists all)") }
    }

    private static func append(logOf summary: VolumeSummary, to table: inout TextTable) {
        let superblock = summary.superblock
        guard summary.hasLog else {
            table.append("log", "none")
            return
        }
        table.append(
            "log",
            "yes, for generation \(superblock.generation + 1): block \(superblock.logRoot), "
                + "level \(superblock.logRootLevel)")
        for log in summary.logs {
            let name = log.hasSubvolume ? pathText(log.path) : "(deleted; replay skips this log)"
            let place = "block \(log.rootItem.address), level \(log.rootItem.level)"
            table.append("", "subvolume \(log.subvolume) \(name): \(place)")
        }
    }

    static func write(_ console: Console, _ devices: [FileDevice], _ copies: [[SuperblockCopy]]) {
        for (device, copies) in zip(devices, copies) {
            let item = copies.lazy.compactMap(\.superblock).first?.deviceItem
            let number = item.map { "device \($0.deviceID)" } ?? "device"
            console.line("\(number)  \(device.name), \(byteText(device.byteCount))")
            var table = TextTable([.right, .left, .left])
            for copy in copies {
                if let superblock = copy.superblock {
                    let log = superblock.logRoot.rawValue == 0 ? "no log" : "log at \(superblock.logRoot)"
                    table.append("\(copy.offset)", "superblock, generation \(superblock.generation)", log)
                } else {
                    table.append("\(copy.offset)", "damaged superblock", copy.problem ?? "")
                }
            }
            table.print(to: console)
        }
    }

    // MARK: JSON

    static func write(
        _ json: JSONWriter, _ devices: [FileDevice], _ copies: [[SuperblockCopy]], _ summary: VolumeSummary?,
        _ failure: Failure?
    ) {
        json.document("info") {
            if let summary { write(json, summary) }
            json.field("error", failure?.message)
            json.array("devices") {
                for (device, copies) in zip(devices, copies) { write(json, device, copies) }
            }
        }
    }

    private static func write(_ json: JSONWriter, _ summary: VolumeSummary) {
        let superblock = summary.superblock
        json.object("volume") {
            json.field("label", Escaped(superblock.label))
            json.field("fsid", superblock.fsid)
            json.field("metadata_uuid", superblock.metadataUUID)
            json.field("generation", superblock.generation)
            json.field("total_bytes", superblock.totalBytes)
            json.field("bytes_used", superblock.bytesUsed)
            json.field("node_size", superblock.nodeSize)
            json.field("sector_size", superblock.sectorSize)
            json.field("checksum", superblock.checksumType.name)
            json.field("device_count", superblock.deviceCount)
            json.field("features", features(superblock))
            json.array("chunks") {
                for chunk in summary.chunks {
                    json.object {
                        json.field("type", "\(chunk.type)")
                        json.field("bytes", chunk.byteCount)
                    }
                }
            }
        }
        json.array("subvolumes") {
            for subvolume in summary.subvolumes {
                json.object {
                    json.field("id", subvolume.id)
                    json.field("path", subvolume.path.map { pathText($0) })
                }
            }
        }
        writeLog(json, summary)
        json.field("replay_refused", summary.refusal)
        json.field("warnings", summary.volume.warnings)
        json.field("problems", summary.problems)
    }

    private static func writeLog(_ json: JSONWriter, _ summary: VolumeSummary) {
        guard summary.hasLog else { return json.field("log", String?.none) }
        json.object("log") {
            json.field("block", summary.superblock.logRoot)
            json.field("level", summary.superblock.logRootLevel)
            json.field("generation", summary.superblock.generation + 1)
            json.array("trees") {
                for log in summary.logs {
                    json.object {
                        json.field("subvolume", log.subvolume)
                        json.field("path", log.path.map { pathText($0) })
                        json.field("exists", log.hasSubvolume)
                        json.field("block", log.rootItem.address)
                        json.field("level", log.rootItem.level)
                    }
                }
            }
        }
    }

    private static func write(_ json: JSONWriter, _ device: FileDevice, _ copies: [SuperblockCopy]) {
        let item = copies.lazy.compactMap(\.superblock).first?.deviceItem
        json.object {
            json.field("path", device.name)
            json.field("bytes", device.byteCount)
            json.field("device", item?.deviceID)
            json.field("uuid", item?.uuid)
            json.array("superblocks") {
                for copy in copies {
                    json.object {
                        json.field("offset", copy.offset)
                        json.field("generation", copy.superblock?.generation)
                        json.field("log_root", copy.superblock?.logRoot)
                        json.field("problem", copy.problem)
                    }
                }
            }
        }
    }
}
