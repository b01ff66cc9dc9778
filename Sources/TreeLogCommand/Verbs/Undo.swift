internal import ArgumentParser
internal import BlockDevices

/// `treelog undo`
struct Undo: Verb {
    static let configuration = CommandConfiguration(
        commandName: "undo",
        abstract: "Takes back a replay that was made with --undo FILE.",
        usage: "treelog undo [options] <file> <image> ...",
        discussion: """
            EXAMPLES
              treelog replay --undo before.undo disk.img
              treelog undo before.undo disk.img

            The devices must be given in the same order as in the replay, and nothing else may have written to them \
            since. The file is checked as a whole before anything is written; it stays where it is.
            """)

    @Argument(help: "The file that the replay wrote.", completion: .file())
    var file: String

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var format: OutputOptions
    static let changesVolumes = true

    func perform(_ console: Console) throws -> Outcome {
        let devices = try arguments.images.map { (path) throws(DeviceError) in
            try FileDevice(path: path, access: .readWrite)
        }
        try UndoFile.restore(from: file, to: devices)
        if format.json {
            let json = JSONWriter(console, expandedDepth: 1)
            json.document("undo") {
                json.field("file", file)
                json.field("devices", arguments.images)
            }
        } else {
            console.line("Restored \(arguments.images.joined(separator: ", ")) from \(file).")
        }
        return .done
    }
}
