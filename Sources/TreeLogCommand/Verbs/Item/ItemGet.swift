internal import ArgumentParser
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog
internal import TreeLogLua

/// `treelog item get`
struct ItemGet: Verb {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Shows an item of a plugin's type.",
        usage: "treelog item get [options] --item <name> --inode <number> <image> ...")

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var item: ItemOptions
    @OptionGroup var subvolume: SubvolumeOptions
    @OptionGroup var view: ViewOptions
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let type = try item.type(in: try view.policy.plugins.load())
        let view = try VolumeView(arguments.images, view, console)
        let key = item.key(type)
        let number = try subvolume.number(in: view.files)
        guard let tree = try view.tree(number) else { throw Failure("there is no subvolume \(number)") }
        let cursor = tree.makeCursor()
        guard try cursor.seek(key) else {
            throw Failure("there is no \(type.name) \(key.offset) of inode \(key.objectID)")
        }
        let printer = ItemPrinter(console, view.volume, view.registry.itemTypes, json: format.json)
        printer.begin("\(number)", tree)
        printer.write(cursor)
        return view.outcome
    }
}
