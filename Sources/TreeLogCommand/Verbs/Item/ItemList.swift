internal import ArgumentParser
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog
internal import TreeLogLua

/// `treelog item list`
struct ItemList: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the items of the types that the plugins have.",
        usage: "treelog item list [options] --plugin <path> <image> ...")

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var subvolume: SubvolumeOptions
    @OptionGroup var view: ViewOptions
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let plugins = try view.policy.plugins.load()
        let types = plugins.set.plugins.flatMap(\.itemTypes).filter { !$0.isOverride }.map(\.keyType)
        guard !types.isEmpty else { throw ValidationError("no plugin has an item type; name one with --plugin") }
        let view = try VolumeView(arguments.images, view, console)
        let number = try subvolume.number(in: view.files)
        guard let tree = try view.tree(number) else { throw Failure("there is no subvolume \(number)") }
        let printer = ItemPrinter(console, view.volume, view.registry.itemTypes, json: format.json)
        printer.begin("\(number)", tree)
        let cursor = tree.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid, !console.isClosed {
            if types.contains(cursor.key.type) { printer.write(cursor) }
            guard try cursor.next() else { break }
        }
        return view.outcome
    }
}
