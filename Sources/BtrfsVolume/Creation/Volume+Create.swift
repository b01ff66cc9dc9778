public import BlockDevices
internal import BtrfsFormat

extension Volume {
    /// Makes `device` a new, empty volume. What it held is lost.
    ///
    /// The first superblock is written last, so a run that is cut leaves no volume rather than a broken one. The
    /// corresponding program is `mkfs.btrfs`.
    ///
    /// - Throws: `VolumeError.unsupported` when there can be no such volume, before anything is written; `.device`.
    public static func create(
        on device: any BlockDevice, _ options: VolumeOptions = VolumeOptions()
    ) throws(VolumeError) {
        try options.check(byteCount: device.byteCount)
        if let seed = options.seed {
            var generator = SplitMix64(seed: seed)
            try create(on: device, options, &generator)
        } else {
            var generator = SystemRandomNumberGenerator()
            try create(on: device, options, &generator)
        }
    }

    private static func create(
        on device: any BlockDevice, _ options: VolumeOptions, _ generator: inout some RandomNumberGenerator
    ) throws(VolumeError) {
        let blank = try VolumeBlank(options, byteCount: device.byteCount, &generator)
        let placed = try blank.placedBlocks()
        let offsets = Superblock.offsets(within: device.byteCount)
        do throws(DeviceError) {
            let nothing = [UInt8](repeating: 0, count: Superblock.byteCount)
            for offset in offsets { try device.write(nothing, at: offset) }
            try device.flush()
            for (offset, bytes) in placed { try device.write(bytes, at: offset) }
            try device.flush()
            for offset in offsets.reversed() {
                try device.write(blank.superblock.sealed(copyAt: offset, device: blank.deviceItem), at: offset)
            }
            try device.flush()
        } catch { throw .device(error) }
    }
}

extension UUID {
    /// A random UUID (version 4).
    static func random(_ generator: inout some RandomNumberGenerator) -> UUID {
        // Byte 6, the first of the third group, has the version; byte 8 the variant.
        let low = generator.next() & ~(UInt64(0xf0) << 48) | UInt64(0x40) << 48
        let high = generator.next() & ~UInt64(0xc0) | UInt64(0x80)
        return UUID(low: low, high: high)
    }
}
