internal import BtrfsFormat
public import BtrfsVolume
internal import LuaRuntime

/// The new volume of a workload.
public struct WorkloadVolume: Sendable {
    /// In bytes.
    public var byteCount: UInt64 = 128 << 20
    /// What it is like.
    public var options = VolumeOptions()
}

/// What a script said in `treelog.workload { … }`, with the functions of its machine.
struct WorkloadDefinition {
    var name = ""
    var doc = ""
    var volume = WorkloadVolume()
    var parameters: [PluginOption] = []
    /// Whether the power goes at each flush, not only where something was to be durable.
    var crashesAtFlushes = false
    var setup: LuaReference?
    var run: LuaReference?
    var check: LuaReference?
}

extension DefinitionReader {
    /// Reads what the file of a workload returned. Item types that it declared can be used in it.
    func workload(_ result: LuaValue, file: String, isComplete: Bool = true) -> PluginDefinition? {
        var definition = PluginDefinition()
        for (index, declaration) in declarations.enumerated() where declaration.kind == .item {
            definition.items.append(item(declaration, index))
        }
        guard isComplete, let reader = self.reader(ofResult: result, .workload, APITable.workload, file) else {
            return nil
        }
        var workload = WorkloadDefinition()
        workload.name = reader.name()
        workload.doc = reader.text("doc") ?? ""
        workload.parameters = reader.options(under: "parameters")
        workload.crashesAtFlushes = reader.word("crashes", ["syncs", "flushes"]) == "flushes"
        workload.setup = reader.function("setup")
        workload.run = reader.function("run")
        workload.check = reader.function("check")
        if reader.table["run"] == nil { reader.problem("run is missing: a function") }
        if let table = reader.table("volume") {
            workload.volume = volume(
                TableReader(
                    table: table, subject: "\(reader.subject): volume", place: reader.place, problems: problems))
        }
        definition.name = workload.name
        definition.workload = workload
        return definition
    }

    private func volume(_ reader: TableReader) -> WorkloadVolume {
        reader.checkKeys(APITable.volume.keys)
        var volume = WorkloadVolume()
        if let size = size("size", reader, in: 8 << 20...1 << 40) { volume.byteCount = UInt64(size) }
        let sizes = 4096...Int64(65536)
        if let size = size("sector_size", reader, in: sizes) { volume.options.sectorSize = UInt32(size) }
        let checksums: [ChecksumType] = [.crc32c, .xxhash64, .sha256, .blake2b]
        if let word = reader.word("checksum", checksums.map(\.name)) {
            volume.options.checksumType = checksums.first { $0.name == word } ?? .crc32c
        }
        if reader.word("metadata", ["single", "dup"]) == "single" { volume.options.metadataProfile = .single }
        volume.options.hasMixedGroups = reader.boolean("mixed") ?? false
        volume.options.label = Array((reader.text("label") ?? "").utf8)
        readFeatures(reader, &volume.options)
        let nodeSize = size("node_size", reader, in: sizes)
        volume.options.nodeSize = nodeSize.map { UInt32($0) } ?? volume.options.usualNodeSize
        do throws(VolumeError) { try volume.options.check(byteCount: volume.byteCount) } catch {
            reader.problem("there can be no such volume: \(error)")
        }
        return volume
    }

    private func readFeatures(_ reader: TableReader, _ options: inout VolumeOptions) {
        for value in reader.list("features") ?? [] {
            guard let word = value.text else {
                reader.problem("features must be strings, got \(value.typeName)")
                continue
            }
            let name = word.hasPrefix("^") ? String(word.dropFirst()) : word
            if options.setFeature(name, on: name == word) { continue }
            let hint = Nearest.hint(name, among: VolumeOptions.featureNames, quote: "\"")
            reader.problem("features: unknown feature \"\(name)\"\(hint)")
        }
    }

    private func size(_ key: String, _ reader: TableReader, in sizes: ClosedRange<Int64>) -> Int64? {
        guard let size = reader.integer(key) else { return nil }
        guard sizes.contains(size), size % 4096 == 0 else {
            reader.problem(
                "\(key) must be \(sizes.lowerBound) to \(sizes.upperBound), in steps of 4096, got \(size)")
            return nil
        }
        return size
    }
}
