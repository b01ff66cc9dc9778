internal import BtrfsFormat
internal import BtrfsVolume

// Quotas: how much space each subvolume uses. Limits are kept, and nothing is refused because of them.

extension FileSystem {
    /// Begins to count the space of subvolumes, with full quotas; no change where quotas are on. All is committed.
    ///
    /// Linux counts when it mounts the volume next: what counts so begins with 0, and a rescan is noted as begun.
    public func enableQuotas() throws(FileSystemError) {
        try changing("quota enable", "") { _ in
            guard !transaction.hasQuotas else { return }
            // Each subvolume brings two items of 65 bytes.
            let blocks = Self.namesReserve + (try transaction.namedSubvolumes().count) / 8
            try change(blocks: blocks) { try transaction.enableQuotas() }
            try commit()
        }
    }

    /// Counts the space of subvolumes no more, and forgets groups and limits; no change where quotas are off. All is
    /// committed.
    public func disableQuotas() throws(FileSystemError) {
        try changing("quota disable", "") { _ in
            guard transaction.hasQuotas else { return }
            let references = try transaction.mostReferences(of: .quotaTree)
            try change(blocks: Self.namesReserve, references: references, makesRoom: true) {
                try transaction.disableQuotas()
            }
            try commit()
        }
    }

    /// The quota groups, ascending, as `LEVEL/NUMBER`; none where quotas are off. On level 0 the number is that of a
    /// subvolume.
    public func quotaGroups() throws(FileSystemError) -> [String] {
        try reading("quota groups", "") { _ in
            try transaction.quotaGroups().map { "\($0 >> 48)/\($0 & (1 << 48 - 1))" }
        }
    }
}
