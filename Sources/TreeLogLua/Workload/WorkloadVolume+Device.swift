public import BlockDevices
internal import BtrfsFormat
public import BtrfsVolume

extension WorkloadVolume {
    /// The new volume, in memory. The same seed makes the same volume.
    ///
    /// - Throws: `VolumeError.unsupported` when there can be no such volume.
    public func makeDevice(seed: UInt64 = 0) throws(VolumeError) -> MemoryDevice {
        var options = options
        options.seed = seed
        // "treelog" in letters, and the seed.
        options.uuid = UUID(low: seed, high: 0x0074_7265_656C_6F67)
        let device = MemoryDevice(byteCount: byteCount, name: "new volume")
        try Volume.create(on: device, options)
        return device
    }
}
