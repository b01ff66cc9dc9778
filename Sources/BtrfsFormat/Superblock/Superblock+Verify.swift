extension Superblock {
    /// Checks the rules that Linux enforces on the superblock from which it mounts.
    ///
    /// - Parameter offset: the place of this copy on its device
    /// - Throws: `FormatError.invalid` with the first rule that is broken, what is there and what to do.
    public func verify(copyAt offset: UInt64 = Superblock.offsets[0]) throws(FormatError) {
        try verifyIdentity(copyAt: offset)
        try verifyState()
        try verifySizes()
        try verifyRoots()
    }

    private static var repair: String { "another copy may be good: try `btrfs rescue super-recover`" }

    private func verifyIdentity(copyAt offset: UInt64) throws(FormatError) {
        let magic = record[Fields.magic]
        guard magic == Self.magic else {
            throw .invalid(
                "no btrfs superblock at byte \(offset): magic is 0x\(String(magic, radix: 16)); "
                    + "check that this is the right device or image")
        }
        guard let type = ChecksumType(rawValue: record[Fields.checksumType]) else {
            throw .invalid(
                "checksum type of the superblock is \(record[Fields.checksumType]), not 0 to 3; use a newer program"
            )
        }
        let all = record.bytes.rawSpan
        let covered = all.extracting(droppingFirst: Fields.checksum.end)
        guard type.matches(covered, stored: all) else {
            throw .invalid(
                "superblock at byte \(offset) does not match its \(type.name) checksum; \(Self.repair)")
        }
        guard copyOffset == offset else {
            throw .invalid("superblock at byte \(offset) says it lies at byte \(copyOffset); \(Self.repair)")
        }
    }

    private func verifyState() throws(FormatError) {
        if !flags.isDisjoint(with: .conversions) {
            let names = SuperblockFlags.names.joined(bits: flags.intersection(.conversions).rawValue)
            throw .invalid(
                "an unfinished conversion (\(names)) stands in the superblock; finish it with `btrfstune`, "
                    + "on a copy: it may make a log useless")
        }
        if !flags.isSubset(of: .usable) {
            let bits = flags.subtracting(.usable).rawValue
            throw .invalid("superblock has unknown flags 0x\(String(bits, radix: 16)); use a newer program")
        }
        if deviceItem.fsid != metadataUUID {
            throw .invalid(
                "device item names volume \(deviceItem.fsid), the superblock \(metadataUUID); \(Self.repair)")
        }
        if deviceCount == 0 {
            throw .invalid("superblock says that the volume has no device; \(Self.repair)")
        }
    }

    private func verifySizes() throws(FormatError) {
        guard Self.isBlockSize(sectorSize) else {
            throw .invalid(
                "sectorsize is \(sectorSize), not a power of two from 4096 to 65536; \(Self.repair)")
        }
        guard Self.isBlockSize(nodeSize), nodeSize >= sectorSize else {
            throw .invalid(
                "nodesize is \(nodeSize), not a power of two from \(sectorSize) to 65536; \(Self.repair)")
        }
        guard record[Fields.leafSize] == nodeSize else {
            throw .invalid("leafsize is \(record[Fields.leafSize]), nodesize \(nodeSize); \(Self.repair)")
        }
        guard stripeSize.nonzeroBitCount == 1 else {
            throw .invalid("stripesize is \(stripeSize), not a power of two; \(Self.repair)")
        }
        guard bytesUsed >= 6 * UInt64(nodeSize) else {
            throw .invalid("bytes_used is \(bytesUsed), less than six blocks; \(Self.repair)")
        }
        let smallest = Key.byteCount + Chunk.byteCount(stripes: 1)
        guard (smallest...Self.systemChunksCapacity).contains(systemChunksByteCount) else {
            throw .invalid(
                "sys_chunk_array_size is \(systemChunksByteCount), not \(smallest) to "
                    + "\(Self.systemChunksCapacity); \(Self.repair)")
        }
    }

    private func verifyRoots() throws(FormatError) {
        let roots = [
            ("root", root, rootLevel), ("chunk_root", chunkRoot, chunkRootLevel),
            ("log_root", logRoot, logRootLevel),
        ]
        for (name, address, level) in roots {
            guard address.rawValue % UInt64(sectorSize) == 0 else {
                throw .invalid(
                    "\(name) \(address) is no multiple of sectorsize \(sectorSize); \(Self.repair)")
            }
            guard level < BlockHeader.maximumLevels else {
                throw .invalid("\(name)_level is \(level), trees have levels 0 to 7; \(Self.repair)")
            }
        }
    }

    private static func isBlockSize(_ size: UInt32) -> Bool {
        size.nonzeroBitCount == 1 && (4096...65536).contains(size)
    }
}
