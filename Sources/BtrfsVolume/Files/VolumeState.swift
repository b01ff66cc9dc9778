public import BtrfsFormat

/// The whole visible state of a volume as one JSON document: subvolumes, names, inodes, and of files the hash
/// of the content, the data segments and the extents.
///
/// Two volumes whose documents are equal cannot be told apart by reading them. The document has one form: the
/// same state gives the same bytes. Directories come in the order of their paths, their names in the order of
/// `readdir`, inodes by number. In names, targets and names of attributes `%XX` stands for a byte that is not
/// printable ASCII, and for `%`.
public struct VolumeState {
    private let files: VolumeFiles

    /// Makes ready to describe `files`; reads nothing.
    public init(_ files: VolumeFiles) { self.files = files }

    /// Writes the document to `sink`, piece by piece.
    ///
    /// - Parameter subvolume: where to start; its path in the document is `/`, and of the others there are those
    ///   within it.
    /// - Throws: what reading the volume throws, and `VolumeError.damaged` for data whose checksum is wrong.
    /// - Complexity: reads all metadata twice and all data once. Memory: the paths of directories that are
    ///   not yet written, and their numbers.
    public func write(
        to sink: inout some ByteSink, from subvolume: ObjectID = .fileTree
    ) throws(VolumeError) {
        let files = files
        var text = StateText(sink)
        try text.append("{\"subvolumes\":{\n")
        var queue = PathQueue<ObjectID>()
        queue.insert([], subvolume)
        var visited: Set<ObjectID> = []
        var isFirst = true
        while let (path, id) = queue.popFirst() {
            guard visited.insert(id).inserted, let namespace = try files.namespace(of: id) else { continue }
            if !isFirst { try text.append(",\n") }
            isFirst = false
            let writer = SubvolumeState(files: files, namespace: namespace, path: path)
            try writer.write(&text, &queue)
            files.forget(id)
        }
        try text.append("\n}}\n")
        try text.flush()
        sink = text.sink
    }
}

/// One subvolume of the document.
struct SubvolumeState {
    let files: VolumeFiles
    let namespace: Namespace
    /// The escaped path of the subvolume; empty for the top level, else with `/` in front.
    let path: [UInt8]

    private var id: ObjectID { namespace.tree.id }

    func write<Sink>(
        _ text: inout StateText<Sink>, _ subvolumes: inout PathQueue<ObjectID>
    ) throws(VolumeError) {
        let flags = try files.rootItem(of: id)?.flags ?? []
        try text.append(quoted: path.isEmpty ? [UInt8(ascii: "/")] : path)
        try text.append(":{\"id\":")
        try text.append(id.rawValue)
        try text.append(",\"readonly\":")
        try text.append(flags.contains(.readOnly))
        try text.append(",\n \"dirs\":{\n")
        try writeDirectories(&text, &subvolumes)
        try text.append("\n },\n \"inodes\":{\n")
        try writeInodes(&text)
        try text.append("\n }}")
    }

    // MARK: Directories

    private func writeDirectories<Sink>(
        _ text: inout StateText<Sink>, _ subvolumes: inout PathQueue<ObjectID>
    ) throws(VolumeError) {
        var queue = PathQueue<ObjectID>()
        queue.insert([], .firstFree)
        // Each directory once, so that a loop of damaged directories ends.
        var visited: Set<ObjectID> = []
        while let (path, inode) = queue.popFirst() {
            guard visited.insert(inode).inserted else { continue }
            if visited.count > 1 { try text.append(",\n") }
            try text.append("  ")
            try text.append(quoted: path.isEmpty ? [UInt8(ascii: ".")] : path)
            try text.append(":[")
            try writeEntries(of: inode, path, &text, &queue, &subvolumes)
            try text.append("]")
        }
    }

    private func writeEntries<Sink>(
        of directory: ObjectID, _ path: [UInt8], _ text: inout StateText<Sink>,
        _ directories: inout PathQueue<ObjectID>, _ subvolumes: inout PathQueue<ObjectID>
    ) throws(VolumeError) {
        var entries = namespace.entries(of: directory)
        var isFirst = true
        while let entry = try entries.next() {
            let name = EscapedBytes.escaped(entry.name)
            var inode = entry.target.location.objectID
            var type = entry.target.type.word
            func below() -> [UInt8] { path.isEmpty ? name : path + [UInt8(ascii: "/")] + name }
            if entry.target.isSubvolume {
                let child = inode
                let isEntered = try files.enters(child, name: entry.name, in: directory, of: id)
                // A subvolume starts at inode 256; the kernel shows 2 where there is none to enter.
                inode = isEntered ? .firstFree : ObjectID(2)
                type = isEntered ? "subvol" : "empty-subvol"
                if isEntered { subvolumes.insert(self.path + [UInt8(ascii: "/")] + below(), child) }
            } else if entry.target.type.plain == .directory {
                directories.insert(below(), inode)
            }
            try text.append(isFirst ? "\n   [" : ",\n   [")
            isFirst = false
            try text.append(quoted: name)
            try text.append(",")
            try text.append(inode.rawValue)
            try text.append(",")
            try text.append(quoted: type)
            try text.append("]")
        }
    }

    // MARK: Inodes

    /// Writes every inode that has a name, and the root, in one pass over the tree.
    private func writeInodes<Sink>(_ text: inout StateText<Sink>) throws(VolumeError) {
        let cursor = namespace.tree.makeCursor()
        try cursor.seek(Key(.firstFree, .inodeItem, 0))
        var isFirst = true
        while cursor.isValid, cursor.key.objectID <= .lastFree {
            let inode = cursor.key.objectID
            if cursor.key.type == .inodeItem {
                let key = cursor.key
                let data = cursor.data
                let item = try parsing(key) { () throws(FormatError) in try InodeItem(data) }
                _ = try cursor.next()
                let hasName =
                    cursor.isValid && cursor.key.objectID == inode
                    && [.inodeRef, .inodeExtref].contains(cursor.key.type)
                if hasName || inode == .firstFree {
                    try text.append(isFirst ? "  " : ",\n  ")
                    isFirst = false
                    try write(inode, item, &text)
                }
            }
            guard inode.rawValue < .max else { return }
            try cursor.seek(Key(ObjectID(inode.rawValue + 1), KeyType(0), 0))
        }
    }
}
