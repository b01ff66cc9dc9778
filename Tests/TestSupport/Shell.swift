internal import Foundation

/// Runs scripts of the shell, for tests that need what the kernel and its tools make.
public enum Shell {
    /// Runs `script` with `folder` as the working directory.
    ///
    /// - Returns: the exit status; what the script says goes where the output of the tests goes.
    public static func run(_ script: String, in folder: String) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = URL(filePath: folder)
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
