internal import Foundation
internal import TestSupport
internal import Testing

/// `treelog run`
@Suite struct RunTests {
    private static let script = """
        return treelog.workload {
          name = "two", run = function(fs) fs:create "/a"; fs:mark "made"; fs:sync() end,
        }
        """

    private func write(_ text: String, in folder: borrowing TemporaryFolder) throws -> String {
        try text.write(toFile: folder.file("two.lua"), atomically: true, encoding: .utf8)
        return folder.file("two.lua")
    }

    @Test func aCommitIsCounted() throws {
        let folder = try TemporaryFolder()
        let run = try ToolRun("run", try write(Self.script, in: folder))
        #expect(run.status == 0 && run.text == "ok   two  3 operations, 0 fsyncs logged, 1 full commits, 2 crashes\n", "\(run)")
    }

    /// What is wrong with the call is said, and not that all is well.
    @Test(arguments: [("4", "there are 3 operations, not 4"), ("maed", "unknown mark 'maed'; did you mean 'made'?")])
    func aCrashThatThereIsNot(_ crash: String, _ message: String) throws {
        let folder = try TemporaryFolder()
        let run = try ToolRun("run", "--crash-at", crash, try write(Self.script, in: folder))
        #expect(run.status == 64 && run.output.isEmpty, "\(run)")
        #expect(run.errors.hasPrefix("treelog: --crash-at: \(message)\n"), "\(run)")
    }

    @Test func anImageThatIsThereIsRefusedBeforeTheRun() throws {
        let folder = try TemporaryFolder()
        let script = try write(Self.script, in: folder)
        let kept = try ToolRun("run", "--image", folder.file("kept.img"), script)
        #expect(kept.status == 0, "\(kept)")
        let again = try ToolRun("run", "--image", folder.file("kept.img"), script)
        #expect(again.status == 1 && again.output.isEmpty, "\(again)")
        #expect(again.errors == "treelog: \(folder.file("kept.img")) exists already. Name another file, or remove it.\n")
    }

    @Test func aFolderIsNoWorkload() throws {
        let folder = try TemporaryFolder()
        let run = try ToolRun("run", folder.path)
        #expect(run.status == 64 && run.errors == "treelog: \(folder.path): there is no plugin.lua in the folder\n", "\(run)")
    }
}
