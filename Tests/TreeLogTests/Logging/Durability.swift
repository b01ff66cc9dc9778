import KernelOracle

/// What a crash may leave of the files of a volume, by what was done to it.
///
/// A name, and each property of a file, is after a crash what it was at some moment since it was made durable last:
/// file systems may make more durable than they are asked to, but not less. The table says since when.
///
/// | what | is durable with an fsync of |
/// |---|---|
/// | the content, the attributes and the xattrs of a file | the file |
/// | all names of a file, and that it has no others | the file |
/// | what has a name in a directory | the directory |
///
/// Nothing more is allowed to differ, but for these:
///
/// | where | Linux | treelog |
/// |---|---|---|
/// | the content of a file has changed since it was synced | may have a part of the changes; the size is judged | the same |
/// | the name of a synced file was given to another one | may lose both (CrashMonkey's first bug) | has one of the two |
/// | a file was moved, and the new directory was synced | may have both names | has one of the two |
/// | a synced file lost its name again | may have what had the name before | has what the name was since the fsync |
struct Durability {
    /// Who wrote the log.
    enum Writer: String { case treelog, linux }

    private struct Entry: Hashable, Comparable, CustomStringConvertible {
        var directory: String
        var name: String
        var description: String { "\(directory)/\(name)" }
        static func < (one: Entry, other: Entry) -> Bool { one.description < other.description }
    }

    /// The files of the root subvolume at one moment, by their inode numbers.
    private struct Moment {
        /// The numbers of inodes, by directory and name.
        var entries: [Entry: String] = [:]
        var inodes: [String: [String: JSONValue]] = [:]

        init(_ document: JSONValue) {
            let subvolume = document["subvolumes"]?["/"]
            let directories = subvolume?["dirs"]?.members ?? [:]
            var waiting = [(path: ".", inode: "256")]
            while let (path, inode) = waiting.popLast() {
                for entry in directories[path]?.elements ?? [] {
                    guard let fields = entry.elements, let name = fields[0].string, let number = fields[1].integer else {
                        continue
                    }
                    entries[Entry(directory: inode, name: name)] = String(number)
                    if fields[2] == .string("dir") { waiting.append((path == "." ? name : path + "/" + name, String(number))) }
                }
            }
            for (number, inode) in subvolume?["inodes"]?.members ?? [:] { inodes[number] = inode.members }
        }

        func names(of inode: String) -> Set<Entry> { Set(entries.filter { $0.value == inode }.keys) }

        /// The values of some properties of an inode; nil where there is no such inode.
        func values(_ fields: [String], of inode: String) -> [JSONValue]? {
            inodes[inode].map { inode in fields.map { inode[$0] ?? .null } }
        }
    }

    private var history: [Moment] = []
    private var syncedInodes: [String: Int] = [:]
    private var syncedEntries: [Entry: Int] = [:]
    private var start = 0

    /// - Parameter state: what is durable at the beginning.
    init(_ state: JSONValue) { history = [Moment(state)] }

    private var now: Int { history.count - 1 }

    /// Notes what the volume is after an operation.
    mutating func note(_ state: JSONValue) { history.append(Moment(state)) }

    /// Notes that everything was made durable.
    mutating func noteSync() {
        (syncedInodes, syncedEntries) = ([:], [:])
        start = now
    }

    /// Notes that a file or directory was made durable.
    mutating func noteSync(of inode: String) {
        syncedInodes[inode] = now
        for (entry, target) in history[now].entries where target == inode { syncedEntries[entry] = now }
        for entry in Set(history.flatMap(\.entries.keys)) where entry.directory == inode { syncedEntries[entry] = now }
    }

    /// What a crash now has left that it must not leave.
    func violations(in crashed: JSONValue, by writer: Writer) -> [String] {
        let found = Moment(crashed)
        var result: [String] = []
        for entry in Set(history.flatMap(\.entries.keys)).union(found.entries.keys).sorted() {
            let allowed = allowedTargets(of: entry, by: writer)
            let value = found.entries[entry] ?? "nothing"
            // In a directory that is not there are no names.
            if value == "nothing", found.inodes[entry.directory] == nil { continue }
            if !allowed.contains(value) { result.append("\(entry) is \(value), not \(allowed.sorted())") }
        }
        for inode in Set(history.flatMap(\.inodes.keys)).union(found.inodes.keys).sorted() {
            result += violations(of: inode, in: found, by: writer)
        }
        return result
    }

    private func allowedTargets(of entry: Entry, by writer: Writer) -> Set<String> {
        let since = syncedEntries[entry] ?? start
        let isChanged = Set(history[since...].map { $0.entries[entry] }).count > 1
        var allowed: Set<String> = writer == .linux && isChanged ? ["nothing"] : []
        for moment in (writer == .linux && isChanged ? start : since)...now {
            let target = history[moment].entries[entry]
            // With an fsync of a file the names that it had before are gone.
            if let target, moment < syncedInodes[target] ?? start { continue }
            allowed.insert(target ?? "nothing")
        }
        return allowed
    }

    private func violations(of inode: String, in found: Moment, by writer: Writer) -> [String] {
        let moments = history[(syncedInodes[inode] ?? start)...]
        var result: [String] = []
        func check(_ what: String, _ view: (Moment) -> String) {
            let allowed = Set(moments.map(view))
            if !allowed.contains(view(found)) { result.append("\(what) of \(inode): \(view(found)), not \(allowed.sorted())") }
        }
        check("existence") { "\($0.inodes[inode] != nil)" }
        guard found.inodes[inode] != nil else { return result }
        let namesAreJudged = writer == .treelog || moments.allSatisfy { $0.names(of: inode) == moments.last?.names(of: inode) }
        if namesAreJudged { check("names") { "\($0.names(of: inode).sorted())" } }
        for fields in [["type"], ["mode", "uid", "gid"], ["xattrs"], ["target"]] {
            check("\(fields)") { "\($0.values(fields, of: inode) ?? [])" }
        }
        guard found.inodes[inode]?["type"] == .string("file") else { return result }
        let isUnchanged = Set(moments.map { $0.values(["size", "sha256"], of: inode) }).count == 1
        check("content") { "\($0.values(isUnchanged ? ["size", "sha256", "blocks"] : ["size"], of: inode) ?? [])" }
        return result
    }
}
