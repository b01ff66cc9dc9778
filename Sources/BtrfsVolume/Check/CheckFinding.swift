public import BtrfsFormat

/// Something that is wrong with a volume, or worth knowing, and where it is.
public struct CheckFinding: Sendable, Equatable {
    /// What a finding is about.
    public enum Kind: String, Sendable, CaseIterable {
        /// A superblock, or what it says of the volume.
        case superblock
        /// A device item, or the device itself.
        case device
        /// A chunk, or where it lies.
        case chunk
        /// What a device has given to a chunk.
        case deviceExtent = "device_extent"
        /// A block group item.
        case blockGroup = "block_group"
        /// A tree block that cannot be used, or of which a copy cannot.
        case block
        /// An item whose bytes or place cannot be right.
        case item
        /// An extent: its item, its range, what overlaps it.
        case extent
        /// Who refers to an extent, against what its item says.
        case reference
        /// How much is used, of a block group, a device or the volume.
        case usedSpace = "used_space"
        /// The free space tree, or the cache of free space.
        case freeSpace = "free_space"
        /// Checksums of data that are missing or too many.
        case checksum
        /// Data that is not what its checksum says.
        case data
        /// An inode item, or items of an inode that has none.
        case inode
        /// A name: entry, index and reference that do not agree.
        case name
        /// How many names an inode has.
        case linkCount = "link_count"
        /// The size of a directory, which counts its names.
        case directorySize = "directory_size"
        /// How many bytes on disk a file is said to have.
        case fileBytes = "file_bytes"
        /// A piece of a file, or a hole that nothing tells of.
        case fileExtent = "file_extent"
        /// An inode or a subvolume that should be deleted, or is listed for that without cause.
        case orphan
        /// What fs-verity keeps of a file.
        case verity
        /// A root item, or where its subvolume hangs.
        case root
        /// The tree of UUIDs.
        case uuid
        /// Quota groups and what they count.
        case quota
        /// The log, which is not replayed yet.
        case log
    }

    /// How bad it is.
    public enum Severity: String, Sendable {
        /// The volume contradicts itself.
        case error
        /// No harm, but worth knowing.
        case note
    }

    /// What the finding is about.
    public var kind: Kind
    /// How bad it is.
    public var severity: Severity
    /// What is wrong, in a sentence.
    public var text: String
    /// The tree in which it was found; nil where it is about no tree.
    public var tree: ObjectID?
    /// The block; nil where it is about no single block.
    public var block: LogicalAddress?
    /// The number of the item in the block.
    public var slot: Int?
    /// The key of the item.
    public var key: Key?

    /// What to do about it.
    public var advice: String { kind.advice }
}

extension CheckFinding.Kind {
    /// What to do about findings of this kind.
    public var advice: String {
        switch self {
        case .superblock: "Where only copies are damaged, 'treelog replay' or a mount writes them anew."
        case .device, .chunk, .deviceExtent, .blockGroup:
            "Do not write to the volume; copy the files to another one."
        case .block: "Where another copy is good, 'btrfs scrub' repairs it; else copy what can be read."
        case .item, .extent, .reference: "Do not write to the volume; 'btrfs check --repair' on a copy may help."
        case .usedSpace: "'btrfs check --repair' on a copy counts anew."
        case .freeSpace: "'btrfs rescue clear-space-cache v2' makes the list anew."
        case .checksum: "Read the files; 'btrfs check --init-csum-tree' on a copy makes checksums anew."
        case .data: "Where another copy is good, 'btrfs scrub' repairs it; else restore the file from a backup."
        case .inode, .name, .linkCount, .directorySize, .fileBytes, .fileExtent, .orphan, .root:
            "The files can be read; 'btrfs check --repair' on a copy may put it right."
        case .verity: "Linux cannot open these files; 'treelog cat' reads them, and copies can take their place."
        case .uuid: "Nothing: 'btrfs rescue clear-uuid-tree' lets the kernel make it anew."
        case .quota: "'btrfs quota rescan' counts anew."
        case .log: "'treelog inspect' tells what the log holds."
        }
    }
}

extension CheckFinding: CustomStringConvertible {
    /// Place and text on one line.
    public var description: String {
        var place = tree.map { "tree \($0)" } ?? ""
        if let block { place += " block \(block)" }
        if let slot { place += " slot \(slot)" }
        if let key { place += " key \(key)" }
        if place.isEmpty { return text }
        return (place.hasPrefix(" ") ? String(place.dropFirst()) : place) + ": " + text
    }
}

/// Where in a volume something was found, as far as it is known.
struct CheckPlace {
    var tree: ObjectID?
    var block: LogicalAddress?
    var slot: Int?
    var key: Key?

    static let volume = CheckPlace()
}
