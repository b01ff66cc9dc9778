public import KernelOracle

internal import Foundation

/// One run of the command `treelog`, as it was built beside the tests.
public struct ToolRun: Sendable, CustomStringConvertible {
    public let arguments: [String]
    public let status: Int32
    public let output: [UInt8]
    public let errors: String

    /// Runs the command to its end.
    public init(_ arguments: String...) throws { try self.init(arguments) }

    /// Runs the command to its end.
    public init(_ arguments: [String]) throws {
        try self.init(program: try Self.tool(), arguments)
    }

    /// Runs a line of the shell, in which `$0` is the command.
    public static func shell(_ line: String, _ arguments: [String] = []) throws -> ToolRun {
        try ToolRun(program: "/bin/sh", ["-c", line, try tool()] + arguments)
    }

    private init(program: String, _ arguments: [String]) throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.newFile(folder.file("output"))
        process.standardError = try Self.newFile(folder.file("errors"))
        try process.run()
        process.waitUntilExit()
        self.arguments = arguments
        status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        output = try Fixtures.bytes(of: folder.file("output"))
        errors = String(decoding: try Fixtures.bytes(of: folder.file("errors")), as: UTF8.self)
    }

    private static func newFile(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    /// The executable of the tests lies in the folder of the products, and so does the command.
    private static func tool() throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = [tests, CommandLine.arguments[0]].map { ($0 as NSString).deletingLastPathComponent }
        for folder in folders where FileManager.default.isExecutableFile(atPath: folder + "/treelog") {
            return folder + "/treelog"
        }
        throw FixtureError(description: "the command 'treelog' is not in \(folders.joined(separator: " or "))")
    }

    public var text: String { String(decoding: output, as: UTF8.self) }
    public var lines: [Substring] { text.split(separator: "\n") }

    /// Standard output as one JSON document.
    public func json() throws -> JSONValue { try JSONValue(parsing: output) }

    public var description: String {
        """
        `treelog \(arguments.joined(separator: " "))` ended with \(status)
        \(text.prefix(2000))
        \(errors.prefix(2000))
        """
    }
}
