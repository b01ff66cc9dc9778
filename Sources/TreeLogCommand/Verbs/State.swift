internal import ArgumentParser
internal import BtrfsVolume

/// `treelog state`
struct State: Verb {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Writes all that can be seen of the volume as one JSON document.",
        usage: "treelog state [options] <image> ...",
        discussion: """
            EXAMPLES
              treelog state disk.img > before.json
              treelog state --replayed disk.img > after.json
              treelog state --subvolume /home disk.img

            Subvolumes, directory entries in their order, inodes with times and flags, extended attributes, hashes \
            of the contents and extents. Two volumes with the same document cannot be told apart by reading them.
            """)

    @OptionGroup var arguments: ImageArguments
    @OptionGroup var view: ViewOptions
    @OptionGroup var subvolume: SubvolumeOptions
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let view = try VolumeView(arguments.images, view, console)
        let subvolume = try subvolume.number(in: view.files)
        var sink = ConsoleSink(console: console)
        try VolumeState(view.files).write(to: &sink, from: subvolume)
        return view.outcome
    }
}
