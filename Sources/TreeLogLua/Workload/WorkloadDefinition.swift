public import BtrfsFormat
internal import LuaRuntime

/// The new volume of a workload.
public struct WorkloadVolume: Sendable, Equatable {
    /// In bytes.
    public var byteCount: UInt64 = 128 << 20
    /// Of a tree block, in bytes.
    public var nodeSize = 16384
    /// In bytes.
    public var sectorSize = 4096
    /// Of blocks and data.
    public var checksum = ChecksumType.crc32c
    /// Whether there are two copies of metadata.
    public var duplicatesMetadata = true
    /// Whether data and metadata share block groups.
    public var isMixed = false
    /// The label.
    public var label = ""
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
        if let size = size("size", reader, from: 8 << 20, through: 1 << 40) { volume.byteCount = UInt64(size) }
        if let size = size("node_size", reader, from: 4096, through: 65536) { volume.nodeSize = size }
        if let size = size("sector_size", reader, from: 4096, through: 65536) { volume.sectorSize = size }
        let checksums: [ChecksumType] = [.crc32c, .xxhash64, .sha256, .blake2b]
        let words = ["crc32c", "xxhash64", "sha256", "blake2b"]
        if let word = reader.word("checksum", words), let place = words.firstIndex(of: word) {
            volume.checksum = checksums[place]
        }
        if let word = reader.word("metadata", ["single", "dup"]) { volume.duplicatesMetadata = word == "dup" }
        volume.isMixed = reader.boolean("mixed") ?? false
        volume.label = reader.text("label") ?? ""
        return volume
    }

    private func size(_ key: String, _ reader: TableReader, from low: Int64, through high: Int64) -> Int? {
        guard let size = reader.integer(key) else { return nil }
        guard size >= low, size <= high, size % 4096 == 0 else {
            reader.problem("\(key) must be \(low) to \(high), in steps of 4096, got \(size)")
            return nil
        }
        return Int(size)
    }
}
