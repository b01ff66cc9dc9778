import BtrfsFormat
import KernelOracle
import TestSupport
import Testing
import TreeLog

// What is in the log of a mounted volume.

extension MountedVolume {
    /// The items in the log of the root subvolume as it is on the devices, in words and in the order of their keys.
    ///
    /// Files go by the first of the names that they have now, those without one by their number.
    func log() throws -> [String] {
        let names = try shortNames()
        let items = try LogBuilder(crash(), startingWith: .presentLog).items[.fileTree] ?? []
        return try items.flatMap { item in
            let owner = names[item.key.objectID.rawValue] ?? "\(item.key.objectID.rawValue)"
            let words = try Self.words(for: item) { names[$0.rawValue] ?? "\($0.rawValue)" }
            return words.map { item.key.type == .extentChecksum ? $0 : "\(owner): \($0)" }
        }
    }

    /// Expects that an fsync is logged.
    ///
    /// - Returns: what it has put into the log, without what was there.
    @discardableResult
    func fsync(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        let before = Set(try log())
        let outcome = try fileSystem.fsync(path)
        #expect(outcome.isLogged, "\(outcome)", sourceLocation: sourceLocation)
        return try log().filter { !before.contains($0) }
    }

    private func shortNames() throws -> [UInt64: String] {
        var names: [UInt64: String] = [256: "/"]
        let directories = try document()["subvolumes"]?["/"]?["dirs"]?.members ?? [:]
        for fields in directories.values.flatMap({ $0.elements ?? [] }).compactMap(\.elements) {
            guard let name = fields[0].string, let number = fields[1].integer.map(UInt64.init) else { continue }
            names[number] = min(names[number] ?? name, name)
        }
        return names
    }

    private static func words(for item: LogBuilder.Item, _ name: (ObjectID) -> String) throws -> [String] {
        let (key, data) = (item.key, item.data.rawSpan)
        switch key.type {
        case .inodeItem:
            let inode = try InodeItem(data)
            let kind = inode.generation == 0 ? "exists" : "inode"
            let mode = String(inode.mode & 0o7777, radix: 8)
            return [inode.isDirectory ? "\(kind) \(mode)" : "\(kind) \(mode) size \(inode.size)"]
        case .inodeRef:
            var (refs, result) = (InodeRefs(data), [String]())
            while let entry = try refs.next() { result.append("name \(entry.name.text) in \(name(ObjectID(key.offset)))") }
            return result
        case .inodeExtref:
            var (refs, result) = (InodeExtrefs(data), [String]())
            while let entry = try refs.next() { result.append("name \(entry.name.text) in \(name(entry.parent))") }
            return result
        case .xattrItem, .dirIndex:
            var (entries, result) = (DirEntries(data), [String]())
            while let entry = try entries.next() {
                result.append(key.type == .dirIndex ? "entry \(key.offset) \(entry.name.text)" : "xattr \(entry.name.text)")
            }
            return result
        case .dirLogIndex: return ["free \(key.offset)...\(try data.u64(at: 0))"]
        case .extentData:
            let extent = try FileExtent(data)
            let kind = extent.isHole ? "hole" : "\(extent.kind)"
            return ["\(kind) \(key.offset)..<\(key.offset + extent.fileByteCount)"]
        case .extentChecksum: return ["\(data.byteCount / 4) checksums"]
        default: return ["item \(key.type.rawValue) \(key.offset)"]
        }
    }
}

extension SyncOutcome {
    /// Whether the log has it.
    var isLogged: Bool { loggedByteCount != nil }

    var loggedByteCount: UInt64? { if case .logged(let count) = self { count } else { nil } }
}

extension RawSpan {
    fileprivate var text: String { String(decoding: copied, as: UTF8.self) }
}
