internal import ArgumentParser
internal import BtrfsFormat
internal import BtrfsVolume

/// `treelog stat`
struct Stat: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stat",
        abstract: "Shows all that is known of a file.",
        usage: "treelog stat [options] <image> ...",
        discussion: """
            EXAMPLES
              treelog stat disk.img --path /etc/fstab
              treelog stat disk.img -p /etc/fstab --replayed --json

            Symbolic links are not followed. Extents have their place in the file and in the address space of the \
            volume, in bytes.
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var path: PathOptions
    @OptionGroup var view: ViewOptions
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let view = try VolumeView(arguments.images, view, console)
        let place = try path.resolve(in: view.files, symlinks: .stop)
        let file = try FileDetails(place, view.files, asked: path.path)
        if format.json {
            try file.write(JSONWriter(console, expandedDepth: 2))
        } else {
            try file.write(console)
        }
        return view.outcome
    }
}

/// A file with everything that `stat` shows.
private struct FileDetails {
    let place: FileLocation
    let asked: String
    let item: InodeItem
    let names: [InodeName]
    let xattrs: [Xattr]
    let target: [UInt8]?
    let files: VolumeFiles
    let namespace: Namespace

    init(_ place: FileLocation, _ files: VolumeFiles, asked: String) throws {
        guard let namespace = try files.namespace(of: place.subvolume),
            let item = try namespace.inode(place.inode)
        else { throw Failure("\(asked) has no inode") }
        self.place = place
        self.asked = asked
        self.files = files
        self.namespace = namespace
        self.item = item
        // The root of a subvolume has a name that leads to itself.
        names = place.inode == .firstFree ? [] : try namespace.names(of: place.inode)
        xattrs = try namespace.xattrs(of: place.inode)
        target = item.isSymlink ? try files.symlinkTarget(of: place.inode, in: namespace) : nil
    }

    private var times: [(name: String, time: Timestamp)] {
        [("modify", item.mtime), ("change", item.ctime), ("access", item.atime), ("birth", item.otime)]
    }

    /// The path of a name from the top level.
    private func path(of name: InodeName) throws -> String {
        guard let directory = try namespace.path(of: name.directory) else {
            return "(in inode \(name.directory)) \(EscapedBytes.text(name.name))"
        }
        let path = directory.isEmpty ? name.name : directory + [UInt8(ascii: "/")] + name.name
        return pathText(path, in: try files.path(of: place.subvolume), else: place.inode)
    }

    // MARK: Text

    func write(_ console: Console) throws {
        let subvolume = pathText(try files.path(of: place.subvolume))
        var table = TextTable([.left, .left], maximumWidth: 100)
        table.append("path", asked + (target.map { " -> " + EscapedBytes.text($0) } ?? ""))
        table.append(
            "inode", "\(place.inode) of subvolume \(place.subvolume) (\(subvolume)), generation \(item.generation)")
        table.append("type", item.fileType.word)
        table.append("mode", "\(item.modeText) (\(String(item.mode & 0o7777, radix: 8)))")
        table.append("owner", "\(item.uid), group \(item.gid)")
        table.append("links", "\(item.nlink)")
        table.append("size", "\(item.size)")
        table.append("on disk", "\(item.nbytes)")
        if !item.flags.isEmpty { table.append("flags", InodeFlags.names.joined(bits: item.flags.rawValue)) }
        for (name, time) in times {
            let fraction = time.description.drop { $0 != "." }
            table.append(name, "\(time.text)\(fraction) UTC")
        }
        for (index, name) in names.enumerated() { table.append(index == 0 ? "names" : "", try path(of: name)) }
        for (index, xattr) in xattrs.enumerated() {
            table.append(
                index == 0 ? "xattrs" : "", "\(EscapedBytes.text(xattr.name)) = \(EscapedBytes.text(xattr.value))")
        }
        table.print(to: console, indentation: "")
        try writeExtents(console)
    }

    private func writeExtents(_ console: Console) throws {
        guard item.isRegularFile else { return }
        var map = try files.map(of: place.inode, in: namespace)
        var table = TextTable([.right, .right, .right, .left])
        while let run = try map.next() {
            if table.isEmpty { table.append("offset", "bytes", "address", "flags") }
            table.append("\(run.offset)", "\(run.byteCount)", "\(run.address)", "\(run.flags)")
        }
        guard !table.isEmpty else { return }
        console.line("extents")
        table.print(to: console)
    }

    // MARK: JSON

    func write(_ json: JSONWriter) throws {
        try json.document("stat") {
            json.field("path", asked)
            json.field("subvolume", place.subvolume)
            json.field("subvolume_path", pathText(try files.path(of: place.subvolume)))
            json.field("inode", place.inode)
            json.field("generation", item.generation)
            json.field("transid", item.transid)
            json.field("type", item.fileType.word)
            json.field("mode", String(item.mode & 0o7777, radix: 8))
            json.field("uid", item.uid)
            json.field("gid", item.gid)
            json.field("nlink", item.nlink)
            json.field("size", item.size)
            json.field("nbytes", item.nbytes)
            json.field("rdev", item.rdev)
            json.field("flags", InodeFlags.names.joined(bits: item.flags.rawValue))
            json.field("mtime", item.mtime)
            json.field("ctime", item.ctime)
            json.field("atime", item.atime)
            json.field("btime", item.otime)
            json.field("target", target.map { Escaped($0) })
            json.field("names", try names.map { try path(of: $0) })
            json.array("xattrs") {
                for xattr in xattrs {
                    json.object {
                        json.field("name", Escaped(xattr.name))
                        json.field("value", EscapedBytes.hexadecimal(xattr.value))
                    }
                }
            }
            try json.array("extents") { try writeExtents(json) }
        }
    }

    private func writeExtents(_ json: JSONWriter) throws {
        guard item.isRegularFile else { return }
        var map = try files.map(of: place.inode, in: namespace)
        while let run = try map.next() {
            json.object {
                json.field("offset", run.offset)
                json.field("bytes", run.byteCount)
                json.field("address", run.address)
                json.field("flags", "\(run.flags)")
            }
        }
    }
}
