internal import ArgumentParser
internal import BlockDevices

/// How a verb ended that did not fail.
enum Outcome: Int32 {
    case done = 0
    /// The policy left something out.
    case partial = 2
    /// A dry run found something to do.
    case pending = 3
    /// Something is wrong with the volume.
    case findings = 4
}

/// One word of the command line: arguments and printing, nothing else. Its configuration has to say the `commandName`:
/// to work it out from the names of all verbs takes milliseconds at each start.
protocol Verb: ParsableCommand {
    var format: OutputOptions { get }
    /// Whether the verb is there for what it does to a volume, more than for its output.
    static var changesVolumes: Bool { get }

    func perform(_ console: Console) throws -> Outcome
}

extension Verb {
    static var _errorPrefix: String { TreelogCommand._errorPrefix }
    static var changesVolumes: Bool { false }

    /// What the parser says of wrong usage.
    private static var usageText: String {
        let usage = configuration.usage ?? ""
        let lines = usage.split(separator: "\n").joined(separator: "\n       ")
        let words = usage.split(separator: " ").prefix { $0.allSatisfy(\.isLetter) }.joined(separator: " ")
        return "Usage: \(lines)\n  See '\(words) --help' for more information."
    }

    /// Ends in the exit code of the outcome. An error becomes one line on standard error, with `--json` also an
    /// object on standard output. Output that cannot be written is an error, except to a pipe that nobody reads.
    func run() throws {
        let console = Console()
        var code = ExitCode.failure
        do {
            code = ExitCode(try perform(console).rawValue)
        } catch let error as ValidationError {
            // Thrown on, it would be told with the usage of the root.
            console.complain("\(error.message)\n\(Self.usageText)")
            code = .validationFailure
        } catch let error as ExitCode {
            code = error
        } catch let error as PluginFailure {
            for problem in error.problems { console.complain(problem) }
            code = .validationFailure
            if format.json {
                JSONWriter(console, expandedDepth: 0).document("error", problems: error.problems)
            }
        } catch where console.isClosed {
            code = .success
        } catch {
            let failure = Failure(error)
            console.complain("\(failure)")
            if format.json { failure.write(to: JSONWriter(console, expandedDepth: 0)) }
        }
        console.flush()
        // Who no longer reads needs no explanation.
        if let error = console.outputError, !error.isClosedPipe {
            console.complain("\(error). What it holds is not whole.")
            // This code would tell of a volume that is unchanged.
            if !Self.changesVolumes { code = .failure }
        }
        if code != .success { throw code }
    }
}

/// What all verbs have in common.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON instead of text.")
    var json = false
}

/// The devices of the volume.
struct ImageArguments: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "An image file or block device; several are the devices of one volume.", valueName: "image"),
        completion: .file())
    var images: [String]
}
