/// The number of a device, as device files have it.
public struct DeviceNumber: Hashable, Sendable {
    /// Which driver.
    public var major: UInt32
    /// Which of its devices.
    public var minor: UInt32

    /// A device; `major` has 12 bits, `minor` 20.
    public init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// The device that an inode item names: the form of the kernel's memory, in 12 and 20 bits.
    public init(rawValue: UInt64) {
        major = UInt32(truncatingIfNeeded: rawValue) >> 20
        minor = UInt32(truncatingIfNeeded: rawValue) & 0xf_ffff
    }

    /// As inode items have it.
    public var rawValue: UInt64 { UInt64(major & 0xfff) << 20 | UInt64(minor & 0xf_ffff) }
}
