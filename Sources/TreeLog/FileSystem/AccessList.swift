internal import BtrfsFormat
internal import BtrfsVolume

extension FileSystem {
    /// Sets or removes an access control list as Linux does: the list of a file is also its mode.
    ///
    /// The corresponding kernel functions are `set_posix_acl` and `btrfs_set_acl`.
    ///
    /// - Parameters:
    ///   - name: of the attribute.
    ///   - value: without entries where the list goes.
    /// - Throws: EINVAL and EOPNOTSUPP for what is no list, EACCES for a default list of what is no directory,
    ///   EOPNOTSUPP for a symlink.
    func setAccessList(_ name: [UInt8], _ value: [UInt8], of location: FileLocation) throws {
        let inode = try item(location)
        guard DirEntryType(mode: inode.mode) != .symlink else { throw Errno.notSupported }
        var list = try AccessList(value)
        if name == AccessList.defaultName, !inode.isDirectory {
            guard list == nil else { throw Errno.accessDenied }
            return
        }
        try list?.normalize()
        var mode = inode.mode
        // A list that says no more than the mode is the mode.
        if name == AccessList.name, let given = list, !given.apply(to: &mode) { list = nil }
        let namespace = try self.namespace(of: location.subvolume)
        try checkRoom(forXattr: name, byteCount: list?.bytes.count ?? 0, of: location)
        try change(blocks: Self.inodeReserve) {
            if let list {
                try namespace.setXattr(named: name.rawSpan, to: list.bytes.rawSpan, of: location.inode)
            } else {
                _ = try namespace.removeXattr(named: name.rawSpan, of: location.inode)
            }
            try update(location) { $0.mode = mode }
            try noteXattrChange(of: location, nil)
        }
    }

    /// Gives the list of a file, if it has one, the permissions of its new mode.
    func updateAccessList(of location: FileLocation, to mode: UInt32) throws {
        let namespace = try self.namespace(of: location.subvolume)
        let value = try namespace.xattr(named: AccessList.name.rawSpan, of: location.inode)
        guard let value, var list = try AccessList(value) else { return }
        list.adopt(mode)
        try namespace.setXattr(named: AccessList.name.rawSpan, to: list.bytes.rawSpan, of: location.inode)
        try inodeState(location).copyEverything = true
    }
}

/// A POSIX access control list, as extended attributes have it: the number of the form, then entries of tag,
/// permissions and number of a user or group.
struct AccessList {
    /// The attribute that says who may do what with a file.
    static let name = Array("system.posix_acl_access".utf8)
    /// The attribute of a directory that says the same of the files to come.
    static let defaultName = Array("system.posix_acl_default".utf8)

    private static let entryByteCount = 8

    private enum Tag: UInt16 {
        case owner = 0x01
        case user = 0x02
        case owningGroup = 0x04
        case group = 0x08
        case mask = 0x10
        case other = 0x20
    }

    private(set) var bytes: [UInt8]

    /// Nil for a list without entries.
    init?(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        if bytes.isEmpty { return nil }
        guard bytes.count >= 4, (bytes.count - 4) % Self.entryByteCount == 0 else { throw Errno.invalid }
        guard bytes[..<4] == [2, 0, 0, 0] else { throw Errno.notSupported }
        if bytes.count == 4 { return nil }
    }

    private var entries: StrideTo<Int> { stride(from: 4, to: bytes.count, by: Self.entryByteCount) }

    private func tag(_ at: Int) -> Tag? { Tag(rawValue: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8) }

    /// Checks what is to become the list of a file, and gives entries that name nobody the number that stands for that.
    ///
    /// The corresponding kernel functions are `posix_acl_valid` and `posix_acl_to_xattr`.
    ///
    /// - Throws: EINVAL for entries that are missing, unknown, too many or not in order.
    mutating func normalize() throws {
        // What is to come next at the earliest; nil after the last entry.
        var place: Tag? = .owner
        var needsMask = false
        for at in entries {
            let nobody = bytes[at + 4..<at + 8].allSatisfy { $0 == 0xFF }
            guard let tag = tag(at), bytes[at + 2] <= 7, bytes[at + 3] == 0 else { throw Errno.invalid }
            switch (tag, place) {
            case (.owner, .owner): place = .user
            case (.user, .user) where !nobody, (.group, .group) where !nobody: needsMask = true
            case (.owningGroup, .user): place = .group
            case (.mask, .group): place = .other
            case (.other, .other): place = nil
            case (.other, .group) where !needsMask: place = nil
            default: throw Errno.invalid
            }
            if tag != .user, tag != .group { bytes.replaceSubrange(at + 4..<at + 8, with: [0xFF, 0xFF, 0xFF, 0xFF]) }
        }
        guard place == nil else { throw Errno.invalid }
    }

    /// Sets the permissions of a mode to those of the list.
    ///
    /// The corresponding kernel function is `posix_acl_equiv_mode`.
    ///
    /// - Returns: whether the list says more than the mode.
    func apply(to mode: inout UInt32) -> Bool {
        var saysMore = false
        for at in entries {
            let permissions = UInt32(bytes[at + 2])
            switch tag(at) {
            case .owner: mode = mode & ~0o700 | permissions << 6
            // The mask comes later, and stands for the group where there is one.
            case .owningGroup: mode = mode & ~0o070 | permissions << 3
            case .mask: (mode, saysMore) = (mode & ~0o070 | permissions << 3, true)
            case .other: mode = mode & ~0o007 | permissions
            case .user, .group, nil: saysMore = true
            }
        }
        return saysMore
    }

    /// Gives the list the permissions of a mode.
    ///
    /// The corresponding kernel function is `posix_acl_chmod`.
    mutating func adopt(_ mode: UInt32) {
        let groupTag: Tag = entries.contains { tag($0) == .mask } ? .mask : .owningGroup
        for at in entries {
            switch tag(at) {
            case .owner: bytes[at + 2] = UInt8(mode >> 6 & 7)
            case groupTag: bytes[at + 2] = UInt8(mode >> 3 & 7)
            case .other: bytes[at + 2] = UInt8(mode & 7)
            default: break
            }
        }
    }

    /// Takes from list and mode what not both allow.
    ///
    /// The corresponding kernel function is `posix_acl_create_masq`.
    ///
    /// - Returns: whether the list says more than the mode.
    mutating func restrict(_ mode: inout UInt32) throws -> Bool {
        var saysMore = false
        // Where the group permissions of the mode are: the mask if there is one.
        var groupAt: Int?
        var hasMask = false
        for at in entries {
            switch tag(at) {
            case .owner: restrict(&mode, shift: 6, at)
            case .other: restrict(&mode, shift: 0, at)
            case .user, .group: saysMore = true
            case .owningGroup: if !hasMask { groupAt = at }
            case .mask: (groupAt, hasMask, saysMore) = (at, true, true)
            case nil: throw Errno.invalid
            }
        }
        guard let groupAt else { throw Errno.inputOutput }
        restrict(&mode, shift: 3, groupAt)
        return saysMore
    }

    private mutating func restrict(_ mode: inout UInt32, shift: UInt32, _ at: Int) {
        bytes[at + 2] &= UInt8(truncatingIfNeeded: mode >> shift & 7)
        mode &= UInt32(bytes[at + 2]) << shift | ~(7 << shift)
    }
}
