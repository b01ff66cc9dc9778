import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import TreeLog

// What a power failure leaves of a mounted volume.

extension MountedVolume {
    /// What is on the devices now, as a power failure would leave it if nothing was on its way.
    func crash() -> [MemoryDevice] { devices.map { $0.copy() } }

    /// The state after a crash and a replay.
    func stateAfterCrash() throws -> JSONValue { try Self.replayed(crash()) }

    /// The state after replay of whatever log there is.
    static func replayed(_ devices: [any BlockDevice]) throws -> JSONValue {
        let volume = try Volume(opening: devices)
        if volume.superblock.logRoot.rawValue != 0 {
            let (transaction, _) = try Replayer(volume).run()
            try transaction.commit()
        }
        return try JSONValue(parsing: state(of: volume))
    }

    /// What differs between the state in memory and the one after a crash and a replay.
    ///
    /// A replay gives an inode that loses a name its own time of change.
    func differencesAfterCrash(
        masks: [StateComparison.Mask] = []
    ) throws -> StateComparison.Differences {
        StateComparison.compare(
            expected: try document(), actual: try stateAfterCrash(), masks: ["*:*:ctime"] + masks)
    }

    /// Makes every file and directory durable with an fsync of its own.
    ///
    /// - Returns: what the fsyncs did.
    @discardableResult
    func fsyncAll() throws -> [SyncOutcome] { try Self.paths(of: fileSystem).map { try fileSystem.fsync($0) } }

    /// The paths of all files and directories.
    static func paths(of fileSystem: FileSystem) throws -> [String] {
        var paths: [String] = []
        var directories = [""]
        while let directory = directories.popLast() {
            paths.append(directory.isEmpty ? "/" : directory)
            for entry in try fileSystem.readDirectory(directory.isEmpty ? "/" : directory) {
                let path = directory + "/" + String(decoding: entry.name, as: UTF8.self)
                switch entry.target.type {
                case .directory: directories.append(path)
                case .regularFile: paths.append(path)
                default: break
                }
            }
        }
        return paths
    }

    /// Writes devices to files.
    static func write(_ devices: [MemoryDevice], to base: String) throws -> [String] {
        try devices.enumerated().map { index, device in
            let path = "\(base).\(index)"
            try device.writeImage(to: path)
            return path
        }
    }
}
