/// What the checks of a block must know of its volume.
public struct CheckContext: Sendable {
    /// In bytes; a power of two.
    public var sectorSize: Int
    /// In bytes; a power of two.
    public var nodeSize: Int
    /// The last committed transaction; blocks and items may be one newer.
    public var generation: Generation
    /// The size of one checksum in bytes.
    public var checksumSize: Int
    /// Whether the block belongs to a log: then inodes may lack their INODE_ITEM, and a leaf may be empty.
    public var isLog: Bool
    /// The owner in the block's header.
    public var owner: ObjectID
    /// With `.writing`, inode flags of the upper half that are not known are refused.
    public var access: VolumeAccess

    /// What is known of the volume and the block.
    public init(
        sectorSize: Int, nodeSize: Int, generation: Generation, checksumSize: Int, isLog: Bool,
        owner: ObjectID,
        access: VolumeAccess = .reading
    ) {
        self.sectorSize = sectorSize
        self.nodeSize = nodeSize
        self.generation = generation
        self.checksumSize = checksumSize
        self.isLog = isLog
        self.owner = owner
        self.access = access
    }

    /// Whether `value` is a multiple of the sector size. Called for each number of each item: a mask costs less than a
    /// division.
    @inline(always)
    func isAligned(_ value: UInt64) -> Bool { value & (UInt64(sectorSize) &- 1) == 0 }

    @inline(always)
    func requireAligned(_ value: UInt64, _ name: String) throws(FormatError) {
        guard isAligned(value) else {
            throw .invalid("\(name) is \(value), no multiple of the sector size \(sectorSize)")
        }
    }

    @inline(always)
    func requireGeneration(_ value: Generation, _ name: String) throws(FormatError) {
        guard value <= generation &+ 1 else {
            throw .invalid("\(name) is \(value), newer than the running transaction \(generation &+ 1)")
        }
    }
}
