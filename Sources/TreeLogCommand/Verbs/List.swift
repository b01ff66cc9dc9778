internal import ArgumentParser
internal import BtrfsFormat
internal import BtrfsVolume

/// `treelog ls`
struct List: Verb {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "Lists directories.",
        usage: "treelog ls [options] <image> ...",
        discussion: """
            EXAMPLES
              treelog ls disk.img
              treelog ls disk.img -l --path /home --replayed
              treelog ls disk.img -R --subvolume @home

            Names come in the order of readdir. In names %XX stands for a byte that is not printable ASCII, and for \
            %. Times are UTC.
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var path: PathOptions

    @Flag(name: .customShort("l"), help: "Show mode, links, owner, group, size and time of change.")
    var long = false

    @Flag(name: [.customShort("R"), .long], help: "List the directories below, too, and other subvolumes.")
    var recursive = false

    @OptionGroup var view: ViewOptions
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let view = try VolumeView(arguments.images, view, console)
        let place = try path.resolve(in: view.files, symlinks: .stop)
        let lister = DirectoryLister(view.files, console)
        if format.json {
            let json = JSONWriter(console, expandedDepth: 2)
            try json.document("ls") {
                try json.array("entries") {
                    try lister.visit(place, path.path, isRecursive: recursive) { try lister.write($0, json) }
                }
            }
            return view.outcome
        }
        let printer = DirectoryPrinter(lister, console, isLong: long, showsHeadings: recursive)
        try lister.visit(place, path.path, isRecursive: recursive) { try printer.add($0) }
        printer.finish()
        return view.outcome
    }
}

/// An entry of a listing.
struct ListedFile {
    /// The directory as people call it, and the name in it; for a file that was asked for by itself the name is
    /// its path.
    var directory: String
    var name: [UInt8]
    /// Nil for a name that enters nothing: what a snapshot has in place of a subvolume.
    var place: FileLocation?
    var type: DirEntryType
    var isSubvolume: Bool
    var item: InodeItem?
}

/// Goes through directories.
struct DirectoryLister {
    private let files: VolumeFiles
    private let console: Console

    init(_ files: VolumeFiles, _ console: Console) {
        self.files = files
        self.console = console
    }

    /// Hands out what is in the directory at `place`, or the file there; with `isRecursive` all below as well, each
    /// directory once.
    func visit(
        _ place: FileLocation, _ path: String, isRecursive: Bool, _ body: (ListedFile) throws -> Void
    ) throws {
        guard let item = try item(at: place) else { throw Failure("\(path) has no inode") }
        guard item.isDirectory else {
            return try body(
                ListedFile(
                    directory: "", name: Array(path.utf8), place: place, type: item.fileType, isSubvolume: false,
                    item: item))
        }
        var directories: [(place: FileLocation, path: String)] = [(place, path)]
        var visited: Set<FileLocation> = [place]
        while let next = directories.popLast(), !console.isClosed {
            var below: [(place: FileLocation, path: String)] = []
            try visitEntries(of: next.place, next.path) { entry in
                try body(entry)
                guard isRecursive, let place = entry.place, entry.type == .directory,
                    visited.insert(place).inserted
                else { return }
                let separator = next.path.hasSuffix("/") ? "" : "/"
                below.append((place, next.path + separator + EscapedBytes.text(entry.name)))
            }
            directories += below.reversed()
        }
    }

    private func visitEntries(
        of directory: FileLocation, _ path: String, _ body: (ListedFile) throws -> Void
    ) throws {
        guard let namespace = try files.namespace(of: directory.subvolume) else { return }
        var entries = namespace.entries(of: directory.inode)
        while let entry = try entries.next(), !console.isClosed {
            let target = entry.target.location.objectID
            var file = ListedFile(
                directory: path, name: entry.name,
                place: FileLocation(subvolume: directory.subvolume, inode: target), type: entry.target.type.plain,
                isSubvolume: entry.target.isSubvolume)
            if file.isSubvolume {
                let isEntered = try files.enters(
                    target, name: entry.name, in: directory.inode, of: directory.subvolume)
                file.place = isEntered ? .root(of: target) : nil
            }
            if let place = file.place { file.item = try item(at: place) }
            try body(file)
        }
    }

    private func item(at place: FileLocation) throws -> InodeItem? {
        try files.namespace(of: place.subvolume)?.inode(place.inode)
    }

    /// Where a symbolic link leads; nil for other files.
    func target(of file: ListedFile) throws -> [UInt8]? {
        guard file.type == .symlink, let place = file.place, file.item?.isSymlink == true,
            let namespace = try files.namespace(of: place.subvolume)
        else { return nil }
        return try files.symlinkTarget(of: place.inode, in: namespace)
    }

    func write(_ file: ListedFile, _ json: JSONWriter) throws {
        let target = try target(of: file)
        let separator = file.directory.isEmpty || file.directory.hasSuffix("/") ? "" : "/"
        json.object {
            json.field("path", file.directory + separator + EscapedBytes.text(file.name))
            json.field("type", file.isSubvolume ? "subvol" : file.type.word)
            json.field("subvolume", file.place?.subvolume)
            json.field("inode", file.place?.inode)
            json.field("mode", file.item.map { String($0.mode & 0o7777, radix: 8) })
            json.field("nlink", file.item?.nlink)
            json.field("uid", file.item?.uid)
            json.field("gid", file.item?.gid)
            json.field("size", file.item?.size)
            json.field("mtime", file.item?.mtime)
            if let target { json.field("target", Escaped(target)) }
        }
    }
}

/// Prints a listing, the long one in columns by directory.
final class DirectoryPrinter {
    private let lister: DirectoryLister
    private let console: Console
    private let isLong: Bool
    private let showsHeadings: Bool
    private var directory: String?
    private var table = TextTable([])
    private var rowCount = 0

    /// So many rows are aligned with each other: a directory may be larger than memory.
    private static let rowLimit = 4096

    init(_ lister: DirectoryLister, _ console: Console, isLong: Bool, showsHeadings: Bool) {
        self.lister = lister
        self.console = console
        self.isLong = isLong
        self.showsHeadings = showsHeadings
        startTable()
    }

    private func startTable() {
        table = TextTable([.left, .right, .right, .right, .right, .left, .left], maximumWidth: 20)
        rowCount = 0
    }

    func add(_ file: ListedFile) throws {
        if showsHeadings, file.directory != directory {
            finish()
            if directory != nil { console.line() }
            console.line("\(file.directory):")
            directory = file.directory
        }
        let name = EscapedBytes.text(file.name) + (file.type == .directory ? "/" : "")
        guard isLong else { return console.line(name) }
        let arrow = try lister.target(of: file).map { " -> " + EscapedBytes.text($0) } ?? ""
        if let item = file.item {
            table.append(
                item.modeText, "\(item.nlink)", "\(item.uid)", "\(item.gid)", "\(item.size)", item.mtime.text,
                name + arrow)
        } else {
            table.append("?---------", "?", "?", "?", "?", "?", name)
        }
        rowCount += 1
        if rowCount >= Self.rowLimit { finish() }
    }

    /// Prints what is not yet printed.
    func finish() {
        table.print(to: console, indentation: "")
        startTable()
    }
}
