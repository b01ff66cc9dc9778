internal import BtrfsFormat

/// What the items of one inode say.
struct InodeCheck {
    let number: ObjectID
    /// Where the inode item is, or the first item without one.
    var place: CheckPlace
    var item: InodeItem?
    var isIncomplete = false
    var isRootDirectory = false
    var linkCount: UInt64 = 0
    /// Names are counted in each DIR_ITEM and DIR_INDEX.
    var entryNameBytes: UInt64 = 0
    var hasEntries = false

    private var dataBytes: UInt64 = 0
    private var hasExtents = false
    /// Where the last extent ends, and the first place in the file that no extent tells of.
    private var extentEnd: UInt64 = 0
    private var gap: UInt64?

    private var hasVerityItems = false
    private var verityDescriptor: VerityDescriptor?
    private var hashTreeEnd: UInt64 = 0

    init(number: ObjectID, place: CheckPlace) {
        self.number = number
        self.place = place
    }

    // MARK: Extents

    mutating func readExtent(
        _ key: Key, _ data: RawSpan, _ place: CheckPlace, _ run: CheckRun, _ tree: ObjectID
    ) throws(FormatError) {
        let extent = try FileExtent(data)
        if extent.generation > run.volume.superblock.generation {
            run.sink.error(.fileExtent, place, "the extent is of generation \(extent.generation), still to come")
        }
        let sector = UInt64(run.volume.sectorSize)
        var length = extent.byteCount
        if extent.isInline {
            let (rounded, overflow) = extent.ramBytes.addingReportingOverflow(sector &- 1)
            length = overflow ? extent.ramBytes : rounded & ~(sector &- 1)
            if extent.ramBytes == 0 { run.sink.error(.fileExtent, place, "an inline extent without data") }
            dataBytes &+= extent.ramBytes
        } else {
            if !extent.isHole { dataBytes &+= length }
            checkRegular(extent, place, run)
        }
        if hasExtents || key.offset > 0, key.offset < extentEnd {
            run.sink.error(.fileExtent, place, "the extent before it reaches to \(extentEnd)")
        } else if key.offset > extentEnd, gap == nil {
            gap = extentEnd
        }
        hasExtents = true
        extentEnd = max(extentEnd, key.offset &+ length)
        if tree != .dataRelocationTree { checkChecksums(of: extent, place, run) }
    }

    private func checkRegular(_ extent: FileExtent, _ place: CheckPlace, _ run: CheckRun) {
        let (end, overflow) = extent.offset.addingReportingOverflow(extent.byteCount)
        if overflow || end > extent.ramBytes {
            run.sink.error(
                .fileExtent, place,
                "the piece reaches to \(extent.offset &+ extent.byteCount) of an extent of \(extent.ramBytes) bytes")
        }
        if extent.kind == .preallocated, extent.compression != .none || extent.otherEncoding != 0 {
            run.sink.error(.fileExtent, place, "a preallocated extent that is compressed")
        }
    }

    private func checkChecksums(of extent: FileExtent, _ place: CheckPlace, _ run: CheckRun) {
        guard extent.kind == .regular, !extent.isHole, let item, item.isRegularFile || item.isSymlink,
            !run.incomplete.contains(.checksumTree)
        else { return }
        guard let range = extent.checksummedRange else { return }
        let isUnchecked = item.flags.contains(.noDataChecksum)
        if isUnchecked, run.checksums.firstOverlap(range) != nil {
            run.sink.error(.checksum, place, "data of a file without checksums has checksums at \(range.lowerBound)")
        } else if !isUnchecked, !run.checksums.contains(range) {
            let (start, end) = (range.lowerBound, range.upperBound)
            run.sink.error(.checksum, place, "data at \(start) to \(end) has not all of its checksums")
        }
    }

    // MARK: fs-verity

    mutating func readVerity(_ key: Key, _ data: RawSpan) throws(FormatError) {
        hasVerityItems = true
        if key.type == .verityMerkle {
            // What does not follow what is before it is not read as a part of the tree.
            if key.offset == hashTreeEnd { hashTreeEnd &+= UInt64(data.byteCount) }
        } else if key.offset == 1 {
            verityDescriptor = try VerityDescriptor(data)
        }
    }

    /// Whether there is a hash tree, or a part of one, for which there has to be an orphan item.
    var isUnprotected: Bool { hasVerityItems && !(item?.flags.contains(.verity) ?? true) }

    private func checkVerity(_ item: InodeItem, _ run: CheckRun) {
        guard let verityDescriptor else {
            return run.sink.error(.verity, place, "the file is protected by fs-verity, and has no descriptor")
        }
        if verityDescriptor.dataSize != item.size {
            run.sink.error(
                .verity, place, "size is \(item.size), fs-verity protects \(verityDescriptor.dataSize) bytes")
        }
        if let byteCount = verityDescriptor.treeByteCount, byteCount != hashTreeEnd {
            run.sink.error(.verity, place, "the hash tree has \(hashTreeEnd) bytes instead of \(byteCount)")
        }
    }

    // MARK: The inode as a whole

    func check(_ run: CheckRun) {
        guard let item else {
            return run.sink.error(.inode, place, "there are items of inode \(number), but no inode item")
        }
        checkLinks(item, run)
        if item.isDirectory {
            if item.size != entryNameBytes {
                run.sink.error(
                    .directorySize, place, "size is \(item.size), the names in it make \(entryNameBytes)")
            }
            if hasExtents { run.sink.error(.inode, place, "a directory with file extents") }
            return
        }
        if hasEntries { run.sink.error(.inode, place, "directory entries in what is no directory") }
        guard item.isRegularFile || item.isSymlink else { return }
        if item.isSymlink, !item.flags.isDisjoint(with: [.immutable, .appendOnly]) {
            run.sink.error(.inode, place, "a symbolic link with flags that it cannot get")
        }
        if item.flags.contains(.verity) { checkVerity(item, run) }
        if item.nbytes != dataBytes {
            run.sink.error(.fileBytes, place, "nbytes is \(item.nbytes), the extents have \(dataBytes)")
        }
        if item.isSymlink { checkTarget(item, run) }
        checkGaps(item, run)
    }

    /// Old versions of Linux stored the text with a zero behind it, which the size does not count.
    private func checkTarget(_ item: InodeItem, _ run: CheckRun) {
        guard item.nlink > 0 else { return }
        if item.size == 0 { run.sink.error(.inode, place, "a symbolic link without text") }
        if dataBytes != item.size, dataBytes &- 1 != item.size {
            run.sink.error(
                .fileExtent, place, "size is \(item.size), the text of the symbolic link has \(dataBytes) bytes")
        }
    }

    private func checkLinks(_ item: InodeItem, _ run: CheckRun) {
        if isRootDirectory {
            if item.nlink != 1 { run.sink.error(.linkCount, place, "nlink of a root directory is \(item.nlink)") }
            if linkCount > 0 { run.sink.error(.name, place, "the root directory has a name") }
            return
        }
        if UInt64(item.nlink) != linkCount {
            run.sink.error(.linkCount, place, "nlink is \(item.nlink), there are \(linkCount) names")
        }
    }

    /// Without the feature NO_HOLES every byte of a file belongs to an extent item.
    private func checkGaps(_ item: InodeItem, _ run: CheckRun) {
        guard item.nlink > 0, item.size > 0, !run.volume.superblock.incompat.contains(.noHoles) else { return }
        let covered = min(gap ?? extentEnd, extentEnd)
        if covered < item.size {
            run.sink.error(.fileExtent, place, "no extent item for the bytes from \(covered) on, of \(item.size)")
        }
    }
}
