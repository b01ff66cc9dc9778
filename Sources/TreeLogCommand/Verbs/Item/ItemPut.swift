internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLogLua

/// `treelog item put`
struct ItemPut: Verb {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Writes an item of a plugin's type into a subvolume.",
        usage: "treelog item put [options] --plugin <path> --item <name> --inode <number> <image> ...",
        discussion: """
            The content is given by its fields, or as bytes. It is checked by the plugin. A volume with a log is \
            refused: replay it first.
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var item: ItemOptions
    @OptionGroup var subvolume: SubvolumeOptions

    @Option(help: ArgumentHelp("The value of a field: a number or text.", valueName: "field=value"))
    var value: [String] = []

    @Option(help: ArgumentHelp("The content in hexadecimal digits, instead of values.", valueName: "digits"))
    var hex: String?

    @OptionGroup var plugins: PluginOptions
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let type = try item.type(in: try plugins.load())
        let key = item.key(type)
        let bytes = try content(type)
        try type.validate(key, bytes.rawSpan)
        let devices = try arguments.images.map { (path) throws(DeviceError) in
            try FileDevice(path: path, access: .readWrite)
        }
        let volume = try Volume(opening: devices)
        guard volume.superblock.logRoot.rawValue == 0 else {
            throw Failure("the volume has a log", nextStep: "Replay it first.")
        }
        let number = try subvolume.number(in: VolumeFiles(volume))
        let transaction = try Transaction(on: volume)
        guard let tree = try transaction.tree(number) else { throw Failure("there is no subvolume \(number)") }
        guard try tree.contains(Key(key.objectID, .inodeItem, 0)) else {
            throw Failure("subvolume \(number) has no inode \(key.objectID)", nextStep: "'treelog ls' shows inodes.")
        }
        try tree.put(key, bytes.rawSpan)
        try transaction.commit()
        if format.json {
            JSONWriter(console, expandedDepth: 1).document("item-put", key, bytes)
        } else {
            console.line("\(key.objectID) \(type.name) \(key.offset): \(type.describe(key, bytes.rawSpan))")
        }
        return .done
    }

    private func content(_ type: PluginItemType) throws -> [UInt8] {
        if let hex {
            guard value.isEmpty else { throw ValidationError("--hex does not go with --value") }
            return try hex.bytesOfDigits()
        }
        guard let fields = type.fields else {
            throw ValidationError("\(type.name) has no fields; give its content with --hex")
        }
        var given: [String: String] = [:]
        for text in value {
            let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2 else { throw ValidationError("'\(text)' is not FIELD=VALUE") }
            guard fields.fields.contains(where: { $0.name == sides[0] }) else {
                throw ValidationError(unknownText("field", sides[0], known: fields.fields.map(\.name)))
            }
            given[sides[0]] = sides[1]
        }
        let values = try fields.fields.map { try $0.value(from: given[$0.name]) }
        do { return try fields.encode(values) } catch { throw ValidationError("\(error)") }
    }
}

extension TreeLogLua.Field {
    /// The value that the field gets from the command line.
    fileprivate func value(from text: String?) throws -> TreeLogLua.FieldValue {
        switch kind {
        case .integer:
            let text = text ?? "0"
            if let value = Int64(text) { return .integer(value) }
            if let value = UInt64(text) { return .integer(Int64(bitPattern: value)) }
            throw ValidationError("\(name): '\(text)' is no integer")
        case .bytes: return .bytes(Array((text ?? "").utf8))
        case .time where text == nil: return .time(Timestamp(seconds: 0, nanoseconds: 0))
        case .array where text == nil: return .list([])
        default: throw ValidationError("\(name) cannot be given as text; use --hex")
        }
    }
}

extension String {
    fileprivate func bytesOfDigits() throws -> [UInt8] {
        let digits = Array(utf8)
        guard digits.count % 2 == 0 else { throw ValidationError("--hex needs digits in pairs") }
        return try stride(from: 0, to: digits.count, by: 2).map { place in
            let pair = String(decoding: digits[place..<place + 2], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else {
                throw ValidationError("'\(pair)' are no hexadecimal digits")
            }
            return byte
        }
    }
}

extension JSONWriter {
    fileprivate func document(_ schema: String, _ key: Key, _ bytes: [UInt8]) {
        document(schema) {
            field("key", "\(key)")
            field("bytes", EscapedBytes.hexadecimal(bytes))
        }
    }
}
