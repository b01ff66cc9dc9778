internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume

/// `treelog mkfs`
struct Mkfs: Verb {
    static let configuration = CommandConfiguration(
        commandName: "mkfs",
        abstract: "Makes a new, empty volume.",
        usage: "treelog mkfs [options] <image>",
        discussion: """
            EXAMPLES
              treelog mkfs --size 1G disk.img
              treelog mkfs --size 256M --checksum xxhash64 --label work disk.img
              treelog mkfs --features ^extref,block-group-tree --force disk.img

            An image that does not exist is made, as a file without content of its own. What an existing one holds \
            is lost; one that holds a btrfs volume already is only overwritten with --force.

            Features are those of mkfs.btrfs: no-holes, skinny-metadata, extref, free-space-tree (all of them on), \
            block-group-tree and mixed-bg (off). A ^ in front turns one off. With --uuid, --seed and --time the \
            same volume is made each time, byte by byte.
            """)

    @Argument(help: "The image file or block device to make the volume on.", completion: .file())
    var image: String
    @Option(help: ArgumentHelp("The size of a new image: bytes, or with K, M, G, T.", valueName: "size"))
    var size: String?
    @Option(help: ArgumentHelp("The size of a tree block in bytes.", valueName: "bytes"))
    var nodeSize: UInt32?
    @Option(help: ArgumentHelp("The smallest unit of file data in bytes.", valueName: "bytes"))
    var sectorSize: UInt32 = 4096
    @Option(help: ArgumentHelp("crc32c, xxhash64, sha256 or blake2b.", valueName: "type"))
    var checksum = "crc32c"
    @Option(help: ArgumentHelp("How many copies of the trees are kept: single or dup.", valueName: "profile"))
    var metadata = "dup"
    @Option(help: ArgumentHelp("A name for the volume, at most 255 bytes.", valueName: "text"))
    var label = ""
    @Option(help: ArgumentHelp("Features to turn on, or off with ^ in front.", valueName: "list"))
    var features: String?
    @Option(help: ArgumentHelp("The number of the volume; random where it is not given.", valueName: "uuid"))
    var uuid: String?
    @Option(help: ArgumentHelp("From what the other UUIDs are made, instead of random ones.", valueName: "number"))
    var seed: UInt64?
    @Option(help: ArgumentHelp("The time of the root directory, in seconds since 1970.", valueName: "seconds"))
    var time: Int64?
    @Flag(help: "Overwrite a volume that is there.")
    var force = false
    @OptionGroup var format: OutputOptions
    static let changesVolumes = true

    func perform(_ console: Console) throws -> Outcome {
        let options = try volumeOptions()
        let device = try openDevice(for: options)
        try Volume.create(on: device, options)
        let volume = try Volume(opening: [device])
        report(volume, console)
        return .done
    }

    // MARK: Options

    private func volumeOptions() throws -> VolumeOptions {
        var options = VolumeOptions()
        options.sectorSize = sectorSize
        let types: [ChecksumType] = [.crc32c, .xxhash64, .sha256, .blake2b]
        guard let type = types.first(where: { $0.name == checksum }) else {
            throw ValidationError(unknownText("checksum type", checksum, known: types.map(\.name)))
        }
        options.checksumType = type
        guard let profile = VolumeOptions.MetadataProfile(rawValue: metadata) else {
            throw ValidationError("metadata is kept single or dup, not '\(metadata)'")
        }
        options.metadataProfile = profile
        options.label = Array(label.utf8)
        options.seed = seed
        let now = SystemClock.now
        options.time = time.map { Timestamp(seconds: $0, nanoseconds: 0) }
            ?? Timestamp(seconds: now.seconds, nanoseconds: now.nanoseconds)
        if let uuid {
            guard let parsed = UUID(text: uuid) else { throw ValidationError("'\(uuid)' is no UUID") }
            options.uuid = parsed
        }
        for word in (features ?? "").split(separator: ",") { try setFeature(word, &options) }
        options.nodeSize = nodeSize ?? options.usualNodeSize
        return options
    }

    private func setFeature(_ word: Substring, _ options: inout VolumeOptions) throws {
        let name = word.hasPrefix("^") ? word.dropFirst() : word
        guard options.setFeature(name, on: name == word) else {
            throw ValidationError(unknownText("feature", String(name), known: VolumeOptions.featureNames))
        }
    }

    // MARK: Device

    private func openDevice(for options: VolumeOptions) throws -> FileDevice {
        guard let size else { return try checked(try FileDevice(path: image, access: .readWrite)) }
        guard let byteCount = Self.byteCount(size) else {
            throw ValidationError("'\(size)' is no size: a number of bytes, or one with K, M, G or T behind it")
        }
        // A file is only made for what can become a volume.
        try options.check(byteCount: byteCount)
        do throws(DeviceError) {
            return try FileDevice.create(at: image, byteCount: byteCount)
        } catch {
            guard error.isExistingFile else { throw error }
        }
        let device = try FileDevice(path: image, access: .readWrite)
        guard device.byteCount == byteCount else {
            throw Failure(
                "\(image) exists and has \(device.byteCount) bytes, not \(byteCount)",
                nextStep: "Leave --size out to use it as it is, or remove it")
        }
        return try checked(device)
    }

    /// - Throws: `Failure` when there is a volume on the device, unless it may be overwritten.
    private func checked(_ device: FileDevice) throws -> FileDevice {
        guard !force, device.byteCount >= Superblock.offsets[0] + UInt64(Superblock.byteCount) else { return device }
        let bytes = try device.bytes(at: Superblock.offsets[0], count: Superblock.byteCount)
        if Self.isSuperblock(bytes) {
            throw Failure("\(image) holds a btrfs volume already", nextStep: "Overwrite it with --force.")
        }
        return device
    }

    private static func isSuperblock(_ bytes: [UInt8]) -> Bool {
        do throws(FormatError) {
            _ = try Superblock(bytes.rawSpan)
            return true
        } catch { return false }
    }

    /// The bytes that a text like `16M` stands for.
    static func byteCount(_ text: String) -> UInt64? {
        let units: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        guard let last = text.last else { return nil }
        guard let unit = units[Character(last.uppercased())] else { return UInt64(text) }
        guard let number = UInt64(text.dropLast()) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }

    // MARK: Output

    private func report(_ volume: Volume, _ console: Console) {
        let superblock = volume.superblock
        if format.json {
            let json = JSONWriter(console, expandedDepth: 1)
            json.document("mkfs") {
                json.field("device", image)
                json.field("fsid", "\(superblock.fsid)")
                json.field("total_bytes", superblock.totalBytes)
                json.field("node_size", UInt64(superblock.nodeSize))
                json.field("sector_size", UInt64(superblock.sectorSize))
                json.field("checksum", "\(superblock.checksumType.name)")
            }
        } else {
            console.line(
                "\(image): a new volume \(superblock.fsid) of \(byteText(superblock.totalBytes)); tree blocks of "
                    + "\(superblock.nodeSize) bytes, \(superblock.checksumType.name).")
        }
    }
}
