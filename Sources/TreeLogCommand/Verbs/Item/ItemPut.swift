internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog
internal import TreeLogLua

/// `treelog item put`
struct ItemPut: Verb {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Writes an item of a plugin's type into a subvolume.",
        usage: "treelog item put [options] --item <name> --inode <number> <image> ...",
        discussion: """
            The content is given by its fields, or as bytes. It is checked by the plugin. A volume with a log is \
            refused: replay it first. What is not given is zero or empty, but keys and \
            structs have to be given.

            EXAMPLES
              treelog item put disk.img --plugin Plugins/counter --item COUNTER \\
                  --inode 257 --value value=3

            VALUES
              --value count=3 --value state=open         a number, and a name that the plugin gave to one
              --value at=1700000000.5 --value id=0a1b    a time, and bytes in hexadecimal digits
              --value 'entries=[{"key": "a", "value": "b"}]'
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var item: ItemOptions
    @OptionGroup var subvolume: SubvolumeOptions

    @Option(
        help: ArgumentHelp(
            "The value of a field: a number, a name, text, digits, a time, a key, or JSON for arrays and structs.",
            valueName: "field=value"))
    var value: [String] = []

    @Option(help: ArgumentHelp("The content in hexadecimal digits, instead of values.", valueName: "digits"))
    var hex: String?

    @OptionGroup var plugins: PluginOptions
    @OptionGroup var format: OutputOptions
    static let changesVolumes = true

    func perform(_ console: Console) throws -> Outcome {
        let type = try item.type(in: try plugins.load())
        let key = item.key(type)
        let bytes = try content(type)
        do throws(LogError) { try type.validate(key, bytes.rawSpan) } catch {
            guard case .format(let cause) = error.cause else { throw error }
            throw Failure("the \(type.name) is not valid: \(FormatError(cause.reason))")
        }
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
            guard given.updateValue(sides[1], forKey: sides[0]) == nil else {
                throw ValidationError("the field '\(sides[0])' is given twice")
            }
        }
        do { return try fields.encode(try fields.values(fromText: given)) } catch {
            throw ValidationError("\(type.name): \(error)")
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
