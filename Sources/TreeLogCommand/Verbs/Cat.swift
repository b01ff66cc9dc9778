internal import ArgumentParser
internal import BtrfsFormat
internal import BtrfsVolume

/// `treelog cat`
struct Cat: Verb {
    static let configuration = CommandConfiguration(
        commandName: "cat",
        abstract: "Writes the content of a file to standard output.",
        usage: "treelog cat [options] <image> ...",
        discussion: """
            EXAMPLES
              treelog cat disk.img --path /etc/fstab
              treelog cat disk.img -p /home/me/thesis.tex --replayed > thesis.tex
              treelog cat /dev/sdb1 /dev/sdc1 --subvolume @home -p me/notes

            Symbolic links are followed. The content is checked against its checksums; of several copies the first \
            right one is taken.
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var path: PathOptions
    @OptionGroup var view: ViewOptions
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let view = try VolumeView(arguments.images, view, console)
        let place = try path.resolve(in: view.files, symlinks: .follow)
        guard let namespace = try view.files.namespace(of: place.subvolume),
            let inode = try namespace.inode(place.inode)
        else { throw Failure("\(path.path) has no inode") }
        guard inode.isRegularFile else {
            throw Failure("\(path.path) is no regular file but \(inode.fileType.word)", nextStep: "See 'treelog ls'.")
        }
        let reader = try view.files.fileReader()
        if format.json {
            try writeJSON(console, place, inode.size) { (sink: inout ByteCollector) throws(VolumeError) in
                try reader.read(place.inode, of: namespace, into: &sink)
            }
        } else {
            var sink = ConsoleSink(console: console)
            try reader.read(place.inode, of: namespace, into: &sink)
        }
        return view.outcome
    }

    /// The most bytes that JSON holds: they have to be in memory.
    private static let jsonLimit = 16 << 20

    private func writeJSON(
        _ console: Console, _ place: FileLocation, _ size: UInt64,
        _ read: (inout ByteCollector) throws(VolumeError) -> Void
    ) throws {
        var content = ByteCollector(limit: Self.jsonLimit)
        try read(&content)
        let json = JSONWriter(console, expandedDepth: 1)
        json.document("cat") {
            json.field("subvolume", place.subvolume)
            json.field("inode", place.inode)
            json.field("size", size)
            json.field("content", Escaped(content.bytes))
        }
    }
}
