internal import BtrfsFormat

extension SubvolumeState {
    /// Files up to this size are hashed with their holes, larger ones without.
    private static var wholeHashLimit: UInt64 { 64 << 20 }

    func write<Sink>(
        _ inode: ObjectID, _ item: InodeItem, _ text: inout StateText<Sink>
    ) throws(VolumeError) {
        try text.append("\"")
        try text.append(inode.rawValue)
        try text.append("\":{\"type\":")
        try text.append(quoted: item.fileType.word)
        try text.append(",\"mode\":")
        try text.append(quoted: Self.octal(item.mode & 0o7777))
        let sector = namespace.sectorSize
        let numbers: [(StaticString, UInt64)] = [
            (",\"uid\":", UInt64(item.uid)), (",\"gid\":", UInt64(item.gid)),
            (",\"nlink\":", UInt64(item.nlink)), (",\"size\":", item.size),
            (",\"blocks\":", (item.nbytes &+ (sector - 1)) / sector &* sector),
        ]
        for (name, value) in numbers {
            try text.append(name)
            try text.append(value)
        }
        let times: [(StaticString, Timestamp)] = [
            (",\"mtime\":", item.mtime), (",\"ctime\":", item.ctime), (",\"atime\":", item.atime),
            (",\"btime\":", item.otime),
        ]
        for (name, time) in times {
            try text.append(name)
            try text.append(quoted: "\(time)")
        }
        try writeKind(inode, item, &text)
        try writeXattrs(inode, &text)
        try text.append("}")
    }

    /// Writes what only inodes of this kind have.
    private func writeKind<Sink>(
        _ inode: ObjectID, _ item: InodeItem, _ text: inout StateText<Sink>
    ) throws(VolumeError) {
        switch item.fileType {
        case .regularFile:
            try writeFlags(inode, item, &text)
            try writeContent(inode, item, &text)
        case .directory:
            try writeFlags(inode, item, &text)
        case .symlink:
            try text.append(",\"target\":")
            let target = try files.symlinkTarget(of: inode, in: namespace)
            try text.append(quoted: EscapedBytes.escaped(target))
        case .characterDevice, .blockDevice:
            let device = DeviceNumber(rawValue: item.rdev)
            try text.append(",\"rdev\":[")
            try text.append(device.major)
            try text.append(",")
            try text.append(device.minor)
            try text.append("]")
        default: break
        }
    }

    private func writeFlags<Sink>(
        _ inode: ObjectID, _ item: InodeItem, _ text: inout StateText<Sink>
    ) throws(VolumeError) {
        var flags = item.flags
        // Linux does the same when it loads an inode: whatever the item says, the property counts.
        let name = CompressionProperty.name
        let property = try namespace.xattr(named: name.rawSpan, of: inode)
        if let property, let set = CompressionProperty.flags(for: property) {
            flags.subtract([.compress, .noCompression])
            flags.formUnion(set)
        }
        try text.append(",\"flags\":")
        try text.append(Self.attributeFlags(flags))
        try text.append(",\"gen\":")
        try text.append(UInt32(truncatingIfNeeded: item.generation))
    }

    /// The flags as FS_IOC_GETFLAGS gives them.
    ///
    /// The corresponding kernel function is `btrfs_inode_flags_to_fsflags`.
    static func attributeFlags(_ flags: InodeFlags) -> UInt32 {
        let pairs: [(InodeFlags, UInt32)] = [
            (.synchronous, 0x8), (.immutable, 0x10), (.appendOnly, 0x20), (.noDump, 0x40),
            (.noAccessTime, 0x80), (.synchronousDirectory, 0x1_0000), (.noDataCopyOnWrite, 0x80_0000),
            (.verity, 0x10_0000),
        ]
        var result: UInt32 = 0
        for (flag, attribute) in pairs where flags.contains(flag) { result |= attribute }
        if flags.contains(.noCompression) {
            result |= 0x400
        } else if flags.contains(.compress) {
            result |= 0x4
        }
        return result
    }

    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }

    // MARK: Content

    private func writeContent<Sink>(
        _ inode: ObjectID, _ item: InodeItem, _ text: inout StateText<Sink>
    ) throws(VolumeError) {
        let reader = try files.fileReader()
        var hash = SHA256Hash()
        if item.size <= Self.wholeHashLimit {
            try reader.read(inode, of: namespace, into: &hash)
            try text.append(",\"sha256\":")
        } else {
            var segments = namespace.dataSegments(of: inode, item)
            while let segment = try segments.next() {
                try reader.read(inode, item, range: segment, of: namespace, into: &hash)
            }
            try text.append(",\"sha256_data\":")
        }
        try text.append(hex: hash.finish())
        try writeSegments(inode, item, &text)
        try writeExtents(inode, &text)
    }

    private func writeSegments<Sink>(
        _ inode: ObjectID, _ item: InodeItem, _ text: inout StateText<Sink>
    ) throws(VolumeError) {
        try text.append(",\"data\":[")
        var segments = namespace.dataSegments(of: inode, item)
        var isFirst = true
        while let segment = try segments.next() {
            try text.append(isFirst ? "[" : ",[")
            isFirst = false
            try text.append(segment.lowerBound)
            try text.append(",")
            try text.append(segment.upperBound)
            try text.append("]")
        }
        try text.append("]")
    }

    private func writeExtents<Sink>(
        _ inode: ObjectID, _ text: inout StateText<Sink>
    ) throws(VolumeError) {
        try text.append(",\"extents\":[")
        var map = try files.map(of: inode, in: namespace)
        var isFirst = true
        while let run = try map.next() {
            try text.append(isFirst ? "[" : ",[")
            isFirst = false
            for number in [run.offset, run.byteCount, run.address.rawValue] {
                try text.append(number)
                try text.append(",")
            }
            try text.append(quoted: run.flags.description)
            try text.append("]")
        }
        try text.append("]")
    }

    private func writeXattrs<Sink>(
        _ inode: ObjectID, _ text: inout StateText<Sink>
    ) throws(VolumeError) {
        let xattrs = try namespace.xattrs(of: inode)
        if xattrs.isEmpty { return }
        let sorted = xattrs.map { (name: EscapedBytes.escaped($0.name), value: $0.value) }
            .sorted { $0.name.lexicographicallyPrecedes($1.name) }
        try text.append(",\"xattrs\":{")
        var isFirst = true
        for xattr in sorted {
            if !isFirst { try text.append(",") }
            isFirst = false
            try text.append(quoted: xattr.name)
            try text.append(":")
            try text.append(hex: xattr.value)
        }
        try text.append("}")
    }
}

extension MappedExtent.Flags: CustomStringConvertible {
    /// The names of the flags, joined by commas.
    public var description: String {
        let names: [(MappedExtent.Flags, String)] = [
            (.inline, "inline"), (.preallocated, "prealloc"), (.encoded, "encoded"), (.shared, "shared"),
        ]
        return names.filter { contains($0.0) }.map { $0.1 }.joined(separator: ",")
    }
}
