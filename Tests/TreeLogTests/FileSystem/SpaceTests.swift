import TestSupport
import Testing
import TreeLog

/// A volume that gets full.
@Suite struct SpaceTests {
    @Test func aFullVolumeChangesNothing() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        var generator = SeededGenerator(seed: 3)
        let piece = generator.bytes(4 << 20)
        var count = 0
        do {
            while count < 64 {
                try fs.create("/full\(count)")
                try fs.write("/full\(count)", at: 0, piece)
                count += 1
            }
            Issue.record("the volume did not get full")
        } catch {
            #expect(error.code == .noSpace, "\(error)")
        }
        try volume.expect(.noSpace) { try $0.write("/full0", at: 8 << 20, piece) }
        try volume.expect(.noSpace) { try $0.allocate("/full0", at: 8 << 20, count: 4 << 20) }
        try volume.expectClean()
        // What an unlink frees is there after the commit that the next operation makes.
        try fs.unlink("/full1")
        try fs.write("/full0", at: 8 << 20, [UInt8](piece.prefix(1 << 20)))
        try volume.expectClean()
    }
}
