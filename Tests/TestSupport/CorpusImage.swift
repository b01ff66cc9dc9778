public import BlockDevices
public import KernelOracle

/// A file system as a power cut left it, with a log, and the state that it must have after the replay.
///
/// `Tests/Fixtures/corpus/README.md` says how the images were made and what a right replay is.
public struct CorpusImage: Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// One named case.
        case scenario
        /// A mix of operations on a file system made with other options.
        case variant
        /// A random workload.
        case random
        /// A log that Linux wrote and that stops Linux. Never mount it before the replay.
        case hazard
        /// A volume on a device of its own and on a seed.
        case grown
    }

    /// The image of one device.
    public struct DeviceFile: Sendable {
        /// The name of the compressed file.
        public let name: String
        /// SHA-256 of the raw image in hexadecimal digits, where the manifest says it.
        public let sha256: String?
    }

    public let name: String
    public let kind: Kind
    /// What happened before the power cut, in a sentence.
    public let summary: String
    /// The options the file system was made with, by name; see the README of the corpus.
    public let variant: String
    /// One a device, in the order of the device numbers; before a seed the device that is mounted.
    public let files: [DeviceFile]
    /// The generation of the superblock, that of the last full commit; nil where it is not known.
    public let generation: UInt64?
    /// How many items of each key type the log trees have, by the kernel's names of the types.
    public let logItems: [String: Int]
    /// What of the expected state is not compared, as `SUBVOLUME:INODE:FIELD`.
    public let notCompared: [String]
    let folder: String

    public var description: String { name }

    /// The devices, in memory; each call makes new ones.
    public func load() throws -> [MemoryDevice] {
        try files.map { file in
            try MemoryDevice(decompressing: try Fixtures.bytes(of: folder + "/" + file.name), name: file.name)
        }
    }

    /// The state of all subvolumes after a right replay, in the form that the README of the corpus describes.
    public func expectedState() throws -> JSONValue {
        try JSONValue(parsing: try Fixtures.bytes(of: "\(folder)/\(name).expected.json"))
    }

    /// What of `actual`, a document of the same form, is not as it must be.
    public func differences(from actual: JSONValue) throws -> StateComparison.Differences {
        let expected = try expectedState()
        var masks = notCompared.compactMap { StateComparison.Mask($0) }
        if kind == .hazard { masks += StateComparison.Mask.changeTimesOfLinkedFiles(in: expected) }
        return StateComparison.compare(expected: expected, actual: actual, masks: masks)
    }

    /// Writes the images as sparse files into a folder. Returns their paths in the order of the devices.
    public func writeImages(to folder: String) throws -> [String] {
        try load().map { device in
            let path = folder + "/" + device.name.replacing(".zst", with: "")
            try device.writeImage(to: path)
            return path
        }
    }
}

extension MemoryDevice {
    /// Writes the content to a new sparse file.
    public func writeImage(to path: String) throws(DeviceError) {
        let file = try FileDevice.create(at: path, byteCount: byteCount)
        for range in dataRanges.ranges {
            try file.write(try bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
        }
    }
}
