internal import ArgumentParser
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog

/// `treelog dump`
struct Dump: Verb {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Shows the items of a tree.",
        usage: "treelog dump [options] <image> ...",
        discussion: """
            TREE is log (all logs; the default), log:SUBVOLUME, log-root, root, extent, chunk, dev, fs, csum, quota, \
            uuid, free-space, block-group, or the number of any tree.

            KEY is up to three words, OBJECTID TYPE OFFSET, each a number, a name of a type, or * for all. Keys can \
            be given as they are printed.

            EXAMPLES
              treelog dump disk.img
              treelog dump disk.img --tree fs --key "257"
              treelog dump disk.img --tree fs --key "(257 INODE_ITEM 0)" --replayed
              treelog dump disk.img --tree log:256 --key "* EXTENT_DATA" --json
            """)

    @OptionGroup var arguments: ImageArguments

    @Option(help: ArgumentHelp("Which tree.", valueName: "tree"))
    var tree = "log"

    @Option(help: ArgumentHelp("Only items with these keys.", valueName: "key"))
    var key = ""

    @OptionGroup var view: ViewOptions
    @OptionGroup var format: OutputOptions

    func validate() throws {
        _ = try TreeSelector(tree)
        _ = try KeyFilter(key)
    }

    func perform(_ console: Console) throws -> Outcome {
        let view = try VolumeView(arguments.images, view, console)
        let trees = try TreeSelector(tree).trees(of: view)
        let filter = try KeyFilter(key)
        let printer = ItemPrinter(console, view.volume, view.registry.itemTypes, json: format.json)
        var outcome = view.outcome
        for named in trees where !console.isClosed {
            do {
                let tree = try named.open()
                printer.begin(named.name, tree)
                try filter.forEach(in: tree, while: { !console.isClosed }) { printer.write($0) }
            } catch {
                // Of all logs a damaged one does not hide the others.
                guard trees.count > 1 else { throw error }
                console.complain("\(Failure(error))")
                outcome = .findings
            }
        }
        return outcome
    }
}

/// A tree that is not yet read, and what to call it.
struct NamedTree {
    var name: String
    var open: () throws -> Tree
}

/// What `--tree` says.
enum TreeSelector {
    case logs
    case log(ObjectID)
    case logRoots
    case tree(ObjectID, String)

    private static let names: [String: ObjectID] = [
        "root": .rootTree, "extent": .extentTree, "chunk": .chunkTree, "dev": .deviceTree, "fs": .fileTree,
        "csum": .checksumTree, "quota": .quotaTree, "uuid": .uuidTree, "free-space": .freeSpaceTree,
        "block-group": .blockGroupTree,
    ]

    init(_ text: String) throws {
        let isNegative = text.hasPrefix("-")
        if text == "log" {
            self = .logs
        } else if text == "log-root" {
            self = .logRoots
        } else if text.hasPrefix("log:"), let id = UInt64(text.dropFirst(4)) {
            self = .log(ObjectID(id))
        } else if let id = Self.names[text] {
            self = .tree(id, text)
        } else if let id = isNegative ? Int64(text).map({ UInt64(bitPattern: $0) }) : UInt64(text) {
            self = .tree(ObjectID(id), text)
        } else {
            throw ValidationError(unknownText("tree", text, known: Array(Self.names.keys) + ["log", "log-root"]))
        }
    }

    func trees(of view: VolumeView) throws -> [NamedTree] {
        if case .tree(let id, let name) = self {
            guard let tree = try view.tree(id) else {
                throw Failure(
                    "the volume has no tree \(name)", nextStep: "'treelog dump --tree root' shows the trees.")
            }
            return [NamedTree(name: name == "\(id)" ? name : "\(name) (\(id))") { tree }]
        }
        guard let forest = try LogForest(of: view.volume) else {
            throw Failure("the volume has no log", nextStep: "Name another tree with --tree.")
        }
        let roots = NamedTree(name: "log-root") { forest.roots.tree }
        let logs = forest.entries.reversed().map { entry in
            NamedTree(name: "log:\(entry.subvolume)") { try forest.open(entry).tree }
        }
        switch self {
        case .logRoots: return [roots]
        case .log(let id):
            if let log = logs.first(where: { $0.name == "log:\(id)" }) { return [log] }
            let known = logs.map(\.name).joined(separator: ", ")
            throw Failure("there is no log of subvolume \(id)", nextStep: "There are: \(known).")
        default: return [roots] + logs
        }
    }
}

/// What `--key` says: each part of a key, or nil for all.
struct KeyFilter {
    private(set) var objectID: ObjectID?
    private(set) var type: KeyType?
    private(set) var offset: UInt64?

    init(_ text: String) throws {
        let words = text.split { " ,()".contains($0) }.map(String.init)
        guard words.count <= 3 else { throw ValidationError("a key has three parts at most: OBJECTID TYPE OFFSET") }
        var rest = words[...]
        // A type alone is clear enough.
        if rest.count == 1, let word = rest.first, KeyType(name: word.uppercased()) != nil { rest = ["*", word] }
        if let word = rest.popFirst(), word != "*" { objectID = ObjectID(try Self.number(word)) }
        if let word = rest.popFirst(), word != "*" { type = try Self.type(word) }
        if let word = rest.popFirst(), word != "*" { offset = try Self.number(word) }
    }

    private static func number(_ word: String) throws -> UInt64 {
        if let number = UInt64(word) { return number }
        if let number = Int64(word) { return UInt64(bitPattern: number) }
        if word.hasPrefix("0x"), let number = UInt64(word.dropFirst(2), radix: 16) { return number }
        throw ValidationError("'\(word)' is no part of a key: a number or * is needed")
    }

    private static func type(_ word: String) throws -> KeyType {
        if let type = KeyType(name: word.uppercased()) { return type }
        if let number = UInt8(word) { return KeyType(number) }
        let names = (UInt8.min...UInt8.max).compactMap { number -> String? in
            let name = KeyType(number).description
            return name.hasPrefix("UNKNOWN") ? nil : name
        }
        throw ValidationError(unknownText("type of items", word, known: names))
    }

    func matches(_ key: Key) -> Bool {
        (objectID ?? key.objectID) == key.objectID && (type ?? key.type) == key.type
            && (offset ?? key.offset) == key.offset
    }

    /// Moves through the items with such keys; by one search to the first where the object is given.
    func forEach(in tree: Tree, while goOn: () -> Bool, _ body: (TreeCursor) throws -> Void) throws {
        let cursor = tree.makeCursor()
        let isPrefix = objectID != nil
        let start = isPrefix && type != nil ? Key(objectID ?? ObjectID(0), type ?? KeyType(0), offset ?? 0)
            : Key(objectID ?? ObjectID(0), KeyType(0), 0)
        try cursor.seek(start)
        while cursor.isValid, goOn() {
            let key = cursor.key
            if let objectID, key.objectID != objectID { return }
            if matches(key) { try body(cursor) }
            guard try cursor.next() else { return }
        }
    }
}

/// Prints items as text, or each as one line of JSON.
final class ItemPrinter {
    private let console: Console
    private let volume: Volume
    private let types: ItemTypes
    private let json: JSONWriter?
    private var tree = ""
    private var block: LogicalAddress?

    init(_ console: Console, _ volume: Volume, _ types: ItemTypes, json: Bool) {
        self.console = console
        self.types = types
        self.volume = volume
        self.json = json ? JSONWriter(console, expandedDepth: 0) : nil
    }

    func begin(_ name: String, _ tree: Tree) {
        self.tree = name
        block = nil
        if json == nil { console.line("tree \(name), level \(tree.level), root block \(tree.rootAddress)") }
    }

    func write(_ cursor: TreeCursor) {
        let description = describe(cursor.key, cursor.data)
        if let json { return write(cursor, description, json) }
        if cursor.block != block {
            block = cursor.block
            console.line("  leaf \(cursor.block)")
        }
        let key = cursor.key.description(typeName: typeName(cursor.key.type))
        console.line("    \(cursor.slot): \(key) \(cursor.data.byteCount) bytes")
        for line in description.lines { console.line("        " + line) }
    }

    private func typeName(_ type: KeyType) -> String {
        KeyType.names[type] ?? types[type]?.name ?? "\(type)"
    }

    /// By the registered type where it says how, else by what the format says.
    private func describe(_ key: Key, _ data: RawSpan) -> ItemDescription {
        let type = types[key.type]
        if let describer = type?.describer {
            var record = ItemRecord()
            record.append("item", .text(describer.describe(key: key, data: data)))
            guard json != nil, var values = describer.record(key: key, data: data) else {
                return ItemDescription(record)
            }
            if !values.entries.contains(where: { $0.name == "description" }) {
                values.append("description", .text(describer.describe(key: key, data: data)))
            }
            return ItemDescription(values)
        }
        if let layout = type?.layout { return ItemDescription(layout, data) }
        return ItemDescription.describe(
            key: key, data: data, checksum: volume.checksumType, sectorSize: volume.sectorSize)
    }

    private func write(_ cursor: TreeCursor, _ description: ItemDescription, _ json: JSONWriter) {
        let key = cursor.key
        json.document("item") {
            json.field("tree", tree)
            json.field("block", cursor.block)
            json.field("slot", cursor.slot)
            json.field("objectid", key.objectID)
            json.field("type", typeName(key.type))
            json.field("offset", key.offset)
            json.field("size", cursor.data.byteCount)
            if let problem = description.problem { json.field("problem", "\(problem)") }
            json.object("item") { json.fields(of: description.record) }
        }
    }
}

extension JSONWriter {
    /// Nesting comes from the describers of items, never from the disk: at most two levels.
    fileprivate func fields(of record: ItemRecord) {
        for entry in record.entries {
            switch entry.value {
            case .unsigned(let value): field(entry.name, value)
            case .signed(let value): field(entry.name, value)
            case .text(let text): field(entry.name, text)
            case .name(let name): field(entry.name, Escaped(name))
            case .bytes(let bytes): field(entry.name, EscapedBytes.hexadecimal(bytes))
            case .time(let time): field(entry.name, time)
            case .key(let key): field(entry.name, "\(key)")
            case .list(let values): array(entry.name) { for value in values { element(of: value) } }
            case .record(let inner): object(entry.name) { fields(of: inner) }
            }
        }
    }

    private func element(of value: ItemValue) {
        switch value {
        case .record(let record): object { fields(of: record) }
        case .unsigned(let value): element(value)
        case .bytes(let bytes): element(EscapedBytes.hexadecimal(bytes))
        case .name(let name): element(Escaped(name))
        default: element(value.text)
        }
    }
}
