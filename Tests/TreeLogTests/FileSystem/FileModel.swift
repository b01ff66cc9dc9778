import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// Files as they ought to be, in the simplest form: what random operations on a volume are compared with.
final class FileModel {
    final class Node {
        var content: [UInt8] = []
        var xattrs: [String: [UInt8]] = [:]
        /// nil for a file.
        var children: [String: Node]?
        var linkCount: UInt32 = 1

        init(isDirectory: Bool) { children = isDirectory ? [:] : nil }
    }

    let root = Node(isDirectory: true)
    /// The directory of the volume that is the root of the model.
    let top: String
    private var generator: SeededGenerator

    init(top: String, seed: UInt64) {
        self.top = top
        generator = SeededGenerator(seed: seed)
    }

    // MARK: Choosing

    private func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

    /// Every path with its node, in a fixed order.
    func all() -> [(path: String, node: Node, parent: Node, name: String)] {
        var result: [(path: String, node: Node, parent: Node, name: String)] = []
        var work = [(top, root)]
        while let (path, node) = work.popLast() {
            for (name, child) in (node.children ?? [:]).sorted(by: { $0.key < $1.key }) {
                result.append((path + "/" + name, child, node, name))
                if child.children != nil { work.append((path + "/" + name, child)) }
            }
        }
        return result
    }

    private func anyDirectory() -> (path: String, node: Node) {
        let directories = all().filter { $0.node.children != nil }
        let choice = number(directories.count + 1)
        return choice == directories.count ? (top, root) : (directories[choice].path, directories[choice].node)
    }

    private func anyFile() -> (path: String, node: Node, parent: Node, name: String)? {
        let files = all().filter { $0.node.children == nil }
        return files.isEmpty ? nil : files[number(files.count)]
    }

    private func freeName(in node: Node) -> String {
        let name = String(repeating: "n", count: 1 + number(40)) + "\(number(1000))"
        return node.children?[name] == nil ? name : name + "x"
    }

    // MARK: Operations

    /// Does one random operation in the model and on the volume; what comes of it is compared later.
    func step(_ fs: FileSystem) throws {
        switch number(22) {
        case 0...2: try create(fs)
        case 3: try makeDirectory(fs)
        case 4...7: try write(fs)
        case 8, 9: try truncate(fs)
        case 10: try link(fs)
        case 11, 12: try remove(fs)
        case 13, 14: try rename(fs)
        case 15, 16: try setXattr(fs)
        case 17: try punch(fs)
        case 18: try zero(fs)
        case 19: try allocate(fs)
        case 20: try clone(fs)
        default: try append(fs)
        }
    }

    private func create(_ fs: FileSystem) throws {
        let (path, node) = anyDirectory()
        let name = freeName(in: node)
        try fs.create(path + "/" + name)
        node.children?[name] = Node(isDirectory: false)
    }

    private func makeDirectory(_ fs: FileSystem) throws {
        let (path, node) = anyDirectory()
        let name = freeName(in: node)
        try fs.makeDirectory(path + "/" + name)
        node.children?[name] = Node(isDirectory: true)
    }

    private func write(_ fs: FileSystem) throws {
        guard let file = anyFile() else { return }
        let offset = number(4) == 0 ? number(60_000) : number(file.node.content.count + 1)
        let bytes = generator.bytes(1 + number(number(3) == 0 ? 30_000 : 1_500))
        try fs.write(file.path, at: UInt64(offset), bytes)
        file.node.replace(from: offset, with: bytes)
    }

    private func append(_ fs: FileSystem) throws {
        guard let file = anyFile() else { return }
        let bytes = generator.bytes(1 + number(3_000))
        try fs.append(file.path, bytes)
        file.node.content += bytes
    }

    private func truncate(_ fs: FileSystem) throws {
        guard let file = anyFile() else { return }
        let size = number(3) == 0 ? number(50_000) : number(file.node.content.count + 1)
        try fs.truncate(file.path, to: UInt64(size))
        file.node.resize(to: size)
    }

    private func link(_ fs: FileSystem) throws {
        guard let file = anyFile() else { return }
        let (path, node) = anyDirectory()
        let name = freeName(in: node)
        try fs.link(file.path, to: path + "/" + name)
        node.children?[name] = file.node
        file.node.linkCount += 1
    }

    private func remove(_ fs: FileSystem) throws {
        let everything = all()
        guard !everything.isEmpty else { return }
        let (path, node, parent, name) = everything[number(everything.count)]
        if let children = node.children {
            guard children.isEmpty else { return }
            try fs.removeDirectory(path)
        } else {
            try fs.unlink(path)
            node.linkCount -= 1
        }
        parent.children?[name] = nil
    }

    private func rename(_ fs: FileSystem) throws {
        let everything = all()
        guard everything.count > 1 else { return }
        let source = everything[number(everything.count)]
        let target = everything[number(everything.count)]
        guard !target.path.hasPrefix(source.path + "/"), !source.path.hasPrefix(target.path + "/") else { return }
        switch number(3) {
        case 0:
            try fs.rename(source.path, to: target.path, .exchange)
            source.parent.children?[source.name] = target.node
            target.parent.children?[target.name] = source.node
        case 1:
            guard source.node.children == nil, target.node.children == nil, source.node !== target.node else { return }
            try fs.rename(source.path, to: target.path)
            source.parent.children?[source.name] = nil
            target.parent.children?[target.name] = source.node
            target.node.linkCount -= 1
        default:
            let (path, node) = anyDirectory()
            guard path != source.path, !path.hasPrefix(source.path + "/") else { return }
            let name = freeName(in: node)
            try fs.rename(source.path, to: path + "/" + name)
            source.parent.children?[source.name] = nil
            node.children?[name] = source.node
        }
    }

    private func setXattr(_ fs: FileSystem) throws {
        guard let file = anyFile() else { return }
        let name = "user.\(number(5))"
        if file.node.xattrs[name] != nil, number(3) == 0 {
            try fs.removeXattr(file.path, name)
            file.node.xattrs[name] = nil
        } else {
            let value = generator.bytes(number(300))
            try fs.setXattr(file.path, name, value)
            file.node.xattrs[name] = value
        }
    }

    private func range() -> (offset: Int, count: Int) { (number(40_000), 1 + number(20_000)) }

    private func punch(_ fs: FileSystem) throws {
        guard let file = anyFile() else { return }
        let (offset, count) = range()
        try fs.punchHole(file.path, at: UInt64(offset), count: UInt64(count))
        let end = min(offset + count, file.node.content.count)
        if offset < end { file.node.replace(from: offset, with: [UInt8](repeating: 0, count: end - offset)) }
    }

    private func zero(_ fs: FileSystem) throws {
        guard let file = anyFile() else { return }
        let (offset, count) = range()
        try fs.zeroRange(file.path, at: UInt64(offset), count: UInt64(count))
        file.node.replace(from: offset, with: [UInt8](repeating: 0, count: count))
    }

    private func allocate(_ fs: FileSystem) throws {
        guard let file = anyFile() else { return }
        let (offset, count) = range()
        let keepSize = number(2) == 0
        try fs.allocate(file.path, at: UInt64(offset), count: UInt64(count), keepSize: keepSize)
        if !keepSize { file.node.resize(to: max(file.node.content.count, offset + count)) }
    }

    private func clone(_ fs: FileSystem) throws {
        guard let source = anyFile(), let target = anyFile(), source.node !== target.node else { return }
        let sectors = source.node.content.count / 4096
        guard sectors > 0 else { return }
        let first = number(sectors)
        let count = 1 + number(sectors - first)
        let offset = number(10) * 4096
        try fs.clone(
            from: source.path, range: UInt64(first * 4096)..<UInt64((first + count) * 4096), to: target.path,
            at: UInt64(offset))
        target.node.replace(from: offset, with: Array(source.node.content[first * 4096..<(first + count) * 4096]))
    }

    // MARK: Comparing

    /// Expects that the volume has the files of the model.
    func expectSame(_ fs: FileSystem, _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for (path, node, _, _) in [(top, root, root, "")] + all() {
            if let children = node.children {
                let names = try fs.readDirectory(path).map { String(decoding: $0.name, as: UTF8.self) }
                #expect(names.sorted() == children.keys.sorted(), comment, sourceLocation: sourceLocation)
                continue
            }
            let content = try fs.read(path)
            #expect(content == node.content, "\(comment): content of \(path)", sourceLocation: sourceLocation)
            let links = try fs.stat(path).item.nlink
            #expect(links == node.linkCount, "\(comment): \(path)", sourceLocation: sourceLocation)
            let pairs = try fs.listXattrs(path).map { (String(decoding: $0.name, as: UTF8.self), $0.value) }
            let xattrs = Dictionary(uniqueKeysWithValues: pairs)
            #expect(xattrs == node.xattrs, "\(comment): \(path)", sourceLocation: sourceLocation)
        }
    }
}

extension FileModel.Node {
    func resize(to size: Int) {
        if size < content.count {
            content.removeLast(content.count - size)
        } else {
            content += [UInt8](repeating: 0, count: size - content.count)
        }
    }

    func replace(from offset: Int, with bytes: [UInt8]) {
        if content.count < offset + bytes.count { resize(to: offset + bytes.count) }
        content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
}
