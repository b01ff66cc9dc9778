internal import BtrfsFormat
internal import BtrfsVolume

// fs-verity: files whose content never changes again, with a hash tree over it.

extension FileSystem {
    /// The largest file that can be protected, in bytes: its hash tree, 1/127 of it, is made in memory.
    public static let maximumVerityByteCount: UInt64 = 1 << 36

    /// Has fs-verity protect a file: its content can be changed no more, and has a digest. The hash tree is that of
    /// SHA-256 with blocks of 4096 bytes.
    ///
    /// A crash leaves the file protected or as it was: as long as the tree is not whole, the file stands with those
    /// without names, and the next mount removes what there is of the tree. To be durable it takes a `sync` or `fsync`.
    ///
    /// - Parameter commitAfter: after how many blocks of the hash tree what there is of it is committed; up to then all
    ///   is in memory.
    /// - Throws: EISDIR for a directory, EINVAL for what is no regular file, EPERM for a file that is immutable or
    ///   append only, EEXIST when it is protected, EFBIG, ENOSPC, EROFS; what there is of the tree is then removed.
    public func enableVerity(
        _ path: some FilePath, commitAfter blockCount: Int = 4096
    ) throws(FileSystemError) {
        try changing("enable verity", path) { path in
            let location = try find(path)
            let inode = try item(location)
            guard !inode.flags.contains(.verity) else { throw Errno.exists }
            guard !inode.flags.contains(.appendOnly) else { throw Errno.notPermitted }
            try checkContentChange(location, inode)
            guard inode.size <= Self.maximumVerityByteCount else { throw Errno.fileTooLarge }
            let (blocks, descriptor) = try hashTree(of: location, inode)
            do {
                try storeHashTree(blocks, of: location, inode, commitAfter: max(blockCount, 1))
                try withRoom {
                    try change(blocks: Self.namesReserve) { try finishVerity(of: location, inode, descriptor) }
                }
            } catch {
                if !isAborted { try rollBackVerity(of: location, inode) }
                throw error
            }
        }
    }

    private func hashTree(
        of location: FileLocation, _ inode: InodeItem
    ) throws -> (blocks: [UInt8], descriptor: VerityDescriptor) {
        var tree = VerityTree()
        let step: UInt64 = 1 << 20
        for offset in stride(from: 0, to: inode.size, by: UInt64.Stride(step)) {
            tree.add(try content(of: location, at: offset, count: step))
        }
        return tree.finish()
    }

    /// The corresponding kernel function is `btrfs_begin_enable_verity`, and what is done up to the end.
    private func storeHashTree(
        _ blocks: [UInt8], of location: FileLocation, _ inode: InodeItem, commitAfter blockCount: Int
    ) throws {
        try dropVerityItems(of: location)
        // What has no name is an orphan already.
        if inode.nlink > 0 {
            try withRoom {
                try change(blocks: Self.inodeReserve) {
                    _ = try namespace(of: location.subvolume).addOrphan(location.inode)
                }
            }
        }
        let step = min(Self.itemsInOneChange / 2, blockCount) * VerityTree.blockSize
        var uncommitted = 0
        for offset in stride(from: 0, to: blocks.count, by: step) {
            let piece = Array(blocks[offset..<min(offset + step, blocks.count)])
            try withRoom {
                try change(blocks: Self.namesReserve) {
                    try namespace(of: location.subvolume).putHashTree(piece, at: UInt64(offset), of: location.inode)
                }
            }
            uncommitted += piece.count / VerityTree.blockSize
            if uncommitted >= blockCount {
                try commit()
                uncommitted = 0
            }
        }
    }

    /// The corresponding kernel function is `finish_verity`.
    private func finishVerity(of location: FileLocation, _ inode: InodeItem, _ descriptor: VerityDescriptor) throws {
        let namespace = try self.namespace(of: location.subvolume)
        try namespace.putVerityDescriptor(descriptor, of: location.inode)
        try update(location) { $0.flags.insert(.verity) }
        if inode.nlink > 0 { try namespace.removeOrphan(location.inode) }
        transaction.addedFeatures.insert(.verity)
    }

    /// The corresponding kernel function is `rollback_verity`.
    private func rollBackVerity(of location: FileLocation, _ inode: InodeItem) throws {
        try dropVerityItems(of: location)
        guard inode.nlink > 0 else { return }
        try change(blocks: Self.inodeReserve, makesRoom: true) {
            _ = try namespace(of: location.subvolume).removeOrphan(location.inode)
        }
    }

    /// Removes what there is of a hash tree and its descriptor.
    func dropVerityItems(of location: FileLocation) throws {
        while try namespace(of: location.subvolume).hasVerityItems(location.inode) {
            try withRoom {
                try change(blocks: Self.namesReserve, makesRoom: true) {
                    try namespace(of: location.subvolume).dropVerityItems(
                        of: location.inode, upTo: Self.itemsInOneChange)
                }
            }
        }
    }

    /// The digest by which fs-verity knows the content of a file: SHA-256 of the descriptor, 32 bytes.
    ///
    /// The corresponding call of Linux is `FS_IOC_MEASURE_VERITY`.
    ///
    /// - Throws: ENODATA for a file that is not protected, EOPNOTSUPP where another hash function is used, EUCLEAN
    ///   where the descriptor is missing.
    public func verityDigest(_ path: some FilePath) throws(FileSystemError) -> [UInt8] {
        try reading("verity digest", path) { path in
            let location = try find(path)
            guard try item(location).flags.contains(.verity) else { throw Errno.noData }
            guard let descriptor = try namespace(of: location.subvolume).verityDescriptor(of: location.inode) else {
                throw VolumeError.noSuchKey(
                    tree: location.subvolume, Key(location.inode, .verityDescriptor, 1))
            }
            guard let digest = descriptor.digest else { throw Errno.notSupported }
            return digest
        }
    }
}
