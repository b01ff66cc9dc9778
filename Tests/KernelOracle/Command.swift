internal import Foundation

/// Programs of the host, run with a limit of time and without a shell.
struct Command: Sendable {
    struct Result: Sendable {
        var status: Int32
        var output: String
        var errors: String

        /// What the program said, on both streams.
        var text: String {
            [output, errors].filter { !$0.isEmpty }.joined(separator: "\n")
        }
    }

    let path: String

    /// - Returns: nil when there is no such program in PATH or in the folders of root's programs.
    init?(_ name: String) {
        let searchPath = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = searchPath.split(separator: ":").map(String.init)
            + ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
        guard let folder = folders.first(where: { Host.canExecute("\($0)/\(name)") }) else { return nil }
        path = "\(folder)/\(name)"
    }

    /// - Throws: `OracleError.unavailable` when there is no such program.
    static func named(_ name: String) throws(OracleError) -> Command {
        guard let command = Command(name) else { throw .unavailable("no \(name)") }
        return command
    }

    /// Runs the program to its end, whatever its status.
    ///
    /// - Throws: `OracleError.timeout` when it had to be killed.
    func run(_ arguments: [String], timeout: Duration) throws(OracleError) -> Result {
        let output = try OpenFile.inMemory()
        let errors = try OpenFile.inMemory()
        var environment = ProcessInfo.processInfo.environment
        environment["LC_ALL"] = "C"
        let process = try ChildProcess(
            path: path, arguments: [path] + arguments, environment: environment,
            input: try OpenFile(path: "/dev/null"), output: output, errors: errors)
        let status = Command.wait(for: process, timeout: timeout)
        if status == nil {
            process.kill()
            // One in an uninterruptible wait cannot be killed and must not be waited for.
            _ = Command.wait(for: process, timeout: .seconds(3))
        }
        let result = Result(
            status: status ?? -1, output: try Command.text(output), errors: try Command.text(errors))
        guard status != nil else {
            let line = ([path] + arguments).joined(separator: " ")
            throw .timeout("`\(line)` after \(timeout): \(result.text)")
        }
        return result
    }

    /// Runs the program, which must end with status 0.
    @discardableResult
    func check(_ arguments: [String], timeout: Duration = .seconds(60)) throws(OracleError) -> String {
        let result = try run(arguments, timeout: timeout)
        if result.status != 0 {
            let line = ([path] + arguments).joined(separator: " ")
            throw .command(line, output: "status \(result.status)\n\(result.text)")
        }
        return result.output
    }

    private static func wait(for process: ChildProcess, timeout: Duration) -> Int32? {
        let start = ContinuousClock.now
        var pause: UInt32 = 200
        while true {
            if let status = process.exitStatus() { return status }
            if ContinuousClock.now - start > timeout { return nil }
            Host.sleep(microseconds: pause)
            pause = min(pause * 2, 5000)
        }
    }

    private static func text(_ file: borrowing OpenFile) throws(OracleError) -> String {
        String(decoding: try file.contents(), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
