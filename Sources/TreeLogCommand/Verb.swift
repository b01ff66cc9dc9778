internal import ArgumentParser

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

/// One word of the command line: arguments and printing, nothing else.
protocol Verb: ParsableCommand {
    var format: OutputOptions { get }

    func perform(_ console: Console) throws -> Outcome
}

extension Verb {
    static var _errorPrefix: String { TreelogCommand._errorPrefix }

    /// Ends in the exit code of the outcome. An error becomes one line on standard error, with `--json` also an
    /// object on standard output.
    func run() throws {
        let console = Console()
        var code = ExitCode.failure
        do {
            code = ExitCode(try perform(console).rawValue)
        } catch let error as ValidationError {
            throw error
        } catch let error as ExitCode {
            code = error
        } catch let error as PluginFailure {
            for problem in error.problems { console.complain(problem) }
            code = .validationFailure
            if format.json {
                JSONWriter(console, expandedDepth: 0).document("error", problems: error.problems)
            }
        } catch {
            // Who no longer reads needs no explanation.
            if console.isClosed { throw ExitCode.success }
            let failure = Failure(error)
            console.complain("\(failure)")
            if format.json { failure.write(to: JSONWriter(console, expandedDepth: 0)) }
        }
        console.flush()
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
