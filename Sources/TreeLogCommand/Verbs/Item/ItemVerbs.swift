internal import ArgumentParser
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLogLua

/// `treelog item`
struct ItemVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "item",
        abstract: "Items of plugins in subvolumes: writes, reads and lists them.",
        discussion: """
            Linux keeps such items as they are: when it mounts the volume, and in snapshots. They go when the inode \
            is deleted.

            EXAMPLES
              treelog item put disk.img --plugin Plugins/counter --item COUNTER \\
                  --inode 257 --value value=3
              treelog item get disk.img --plugin Plugins/counter --item COUNTER --inode 257
              treelog item list disk.img --plugin Plugins/counter
            """,
        subcommands: [ItemPut.self, ItemGet.self, ItemList.self])
}

/// Which item.
struct ItemOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The item type, by its name.", valueName: "name"))
    var item: String

    @Option(help: ArgumentHelp("The inode that it belongs to.", valueName: "number"))
    var inode: UInt64

    @Option(help: ArgumentHelp("The offset of its key.", valueName: "number"))
    var offset: UInt64 = 0

    func type(in plugins: LoadedPlugins) throws -> PluginItemType {
        if let type = plugins.set.itemType(named: item), !type.isOverride { return type }
        let known = plugins.set.plugins.flatMap(\.itemTypes).filter { !$0.isOverride }.map(\.name)
        throw ValidationError(unknownText("item type", item, known: known))
    }

    func key(_ type: PluginItemType) -> Key { Key(ObjectID(inode), type.keyType, offset) }
}
