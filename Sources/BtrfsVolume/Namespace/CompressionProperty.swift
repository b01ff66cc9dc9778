package import BtrfsFormat

/// The property of a file or directory that says how its data is compressed: an extended attribute that sets flags of
/// the inode.
package enum CompressionProperty {
    /// The name of the attribute.
    package static let name = Array("btrfs.compression".utf8)

    /// The method that a value names; nil for one that names none. A level behind it does not count.
    package static func method(in value: [UInt8]) -> String? {
        ["zlib", "lzo", "zstd"].first { value.starts(with: $0.utf8) }
    }

    /// What a value makes of the flags COMPRESS and NOCOMPRESS; nil for one that means nothing. An empty one takes both
    /// away.
    ///
    /// The corresponding kernel functions are `prop_compression_validate` and `prop_compression_apply`.
    package static func flags(for value: [UInt8]) -> InodeFlags? {
        if value.isEmpty { return [] }
        if method(in: value) != nil { return .compress }
        return value == Array("no".utf8) || value == Array("none".utf8) ? .noCompression : nil
    }
}
