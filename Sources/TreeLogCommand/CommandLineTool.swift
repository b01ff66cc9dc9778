internal import ArgumentParser
internal import BlockDevices

/// The command `treelog`.
public enum CommandLineTool {
    /// Does what the arguments of the process say, and ends the process.
    public static func main() {
        StandardStream.ignoreClosedPipes()
        TreelogCommand.main()
    }
}

/// The root of all verbs.
struct TreelogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "treelog",
        abstract: "Reads and replays the tree log of btrfs volumes.",
        discussion: """
            After a crash the last fsyncs of a btrfs volume are in its log, and Linux has to replay the log before \
            it can mount the volume. This program shows what a log holds, replays it, and reads the files with or \
            without it. It works on images and on devices that are not mounted, and needs no kernel.

            IMAGE is an image file or a block device. Several are the devices of one volume.

            EXAMPLES
              treelog inspect disk.img             what would be lost without the log?
              treelog replay --dry-run disk.img    would a replay work?
              treelog check disk.img               is the volume whole?
              treelog replay --undo u disk.img     replay, and keep a way back
              treelog cat -p /etc/fstab --replayed disk.img

            EXIT CODES
              0  done; also: there is no log
              1  failed; the volume is unchanged
              2  partial: the policy left something out
              3  dry run, and a replay is pending
              4  findings: the log cannot be replayed as it is, or a check found errors
              64 wrong usage
            """,
        version: version,
        subcommands: [
            Info.self, Inspect.self, Check.self, Dump.self, Replay.self, Walk.self, List.self, Cat.self, Stat.self,
            State.self, Undo.self, Mkfs.self, Run.self, ItemVerbs.self, PluginVerbs.self,
        ])

    static let version = "0.1.0"
    static var _errorPrefix: String { "treelog: " }
}
