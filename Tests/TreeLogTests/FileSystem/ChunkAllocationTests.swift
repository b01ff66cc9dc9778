import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Volumes that grow until they are full: new block groups are made, and the checks and Linux agree with them.
@Suite struct ChunkAllocationTests {
    struct Variant: Sendable, CustomTestStringConvertible {
        var name: String
        var change: @Sendable (inout VolumeOptions) -> Void
        var testDescription: String { name }
    }

    static let variants: [Variant] = [
        Variant(name: "default") { _ in },
        Variant(name: "single") { $0.metadataProfile = .single },
        Variant(name: "small nodes") { $0.nodeSize = 4096 },
        Variant(name: "block group tree") { $0.hasBlockGroupTree = true },
        Variant(name: "no free space tree, no skinny metadata") {
            $0.hasFreeSpaceTree = false
            $0.hasSkinnyMetadata = false
        },
        Variant(name: "mixed groups") {
            $0.hasMixedGroups = true
            $0.nodeSize = 4096
        },
    ]

    private func mount(_ variant: Variant, byteCount: UInt64 = 160 << 20) throws -> (MemoryDevice, FileSystem) {
        let device = MemoryDevice(byteCount: byteCount)
        var options = VolumeOptions()
        options.seed = 1
        variant.change(&options)
        try Volume.create(on: device, options)
        return (device, try FileSystem(mounting: [device]))
    }

    private func count(_ type: BlockGroupFlags, on device: MemoryDevice) throws -> Int {
        try Volume(opening: [device]).chunks.chunks.count { $0.chunk.type.contains(type) }
    }

    /// The checks find nothing, and Linux mounts the volume and writes to it.
    private func expectSound(_ device: MemoryDevice, linuxWrites: Bool) throws {
        let report = VolumeChecker(try Volume(opening: [device])).run()
        #expect(report.findings.isEmpty, "\(report.findings)")
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try device.writeImage(to: path)
        guard BtrfsCheck.isAvailable else { return }
        let verdict = try BtrfsCheck.run(images: [path])
        #expect(verdict.isClean, "\(verdict)")
        guard linuxWrites, HostKernel.isAvailable, verdict.isClean else { return }
        try HostKernel.mount(images: [path]) { root in
            _ = try ToolRun.shell("rm \(root)/f0 && echo hello > \(root)/hello && mkdir \(root)/new")
            try HostKernel.sync(root)
        }
        let after = try BtrfsCheck.run(images: [path])
        #expect(after.isClean, "\(after)")
    }

    @Test(arguments: variants) func dataFillsTheDevice(_ variant: Variant) throws {
        let (device, fileSystem) = try mount(variant)
        let bytes = [UInt8](repeating: 7, count: 4 << 20)
        var written = 0
        var isFull = false
        while !isFull {
            let path = "f\(written)"
            do throws(FileSystemError) {
                _ = try fileSystem.create(path)
                try fileSystem.write(path, at: 0, bytes)
                written += 1
            } catch {
                #expect(error.code == .noSpace, "\(error)")
                isFull = true
            }
        }
        try fileSystem.sync()
        #expect(try count(.data, on: device) > 1)
        #expect(written >= 16, "only \(written) files of 4 MiB fit")
        try expectSound(device, linuxWrites: true)
        // What is deleted makes room again.
        for number in 0..<written { try fileSystem.unlink("f\(number)") }
        try fileSystem.sync()
        _ = try fileSystem.create("f0")
        try fileSystem.write("f0", at: 0, bytes)
        try fileSystem.sync()
        try expectSound(device, linuxWrites: false)
    }

    @Test(arguments: variants) func metadataGrows(_ variant: Variant) throws {
        let (device, fileSystem) = try mount(variant)
        let before = try count(.metadata, on: device)
        // Inline data: these bytes lie in the leaves.
        let bytes = [UInt8](repeating: 7, count: 1800)
        var number = 0
        while try count(.metadata, on: device) == before, number < 24000 {
            for _ in 0..<1500 {
                _ = try fileSystem.create("f\(number)")
                try fileSystem.write("f\(number)", at: 0, bytes)
                number += 1
            }
            try fileSystem.sync()
        }
        #expect(try count(.metadata, on: device) > before)
        try expectSound(device, linuxWrites: true)
    }

    /// The committed chunk tree does not know a new chunk, so no log may refer to what is in it.
    @Test func aNewChunkNeedsACommit() throws {
        let (device, fileSystem) = try mount(Self.variants[0])
        let before = try count(.data, on: device)
        let bytes = [UInt8](repeating: 7, count: 48 << 20)
        _ = try fileSystem.create("f0")
        try fileSystem.write("f0", at: 0, bytes)
        let outcome = try fileSystem.fsync("f0")
        guard case .fullCommit(.newChunk) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try count(.data, on: device) > before)
        let again = try FileSystem(mounting: [device])
        #expect(try again.read("f0") == bytes)
    }

    /// Many commits, one after the other, with changes at random.
    @Test(arguments: [1 as UInt64, 2]) func staysSoundOverManyCommits(seed: UInt64) throws {
        let (device, fileSystem) = try mount(Self.variants[0])
        var random = SeededGenerator(seed: seed)
        var files: [String: [UInt8]] = [:]
        for round in 0..<60 {
            for step in 0..<8 {
                let old = files.keys.sorted().randomElement(using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0 where old != nil:
                    try fileSystem.unlink(old ?? "")
                    files[old ?? ""] = nil
                case 1 where old != nil:
                    let bytes = random.bytes(Int.random(in: 1..<200_000, using: &random))
                    try fileSystem.append(old ?? "", bytes)
                    files[old ?? "", default: []] += bytes
                default:
                    let path = "f\(round).\(step)"
                    let bytes = random.bytes(Int.random(in: 1..<400_000, using: &random))
                    _ = try fileSystem.create(path)
                    try fileSystem.write(path, at: 0, bytes)
                    files[path] = bytes
                }
            }
            try fileSystem.sync()
        }
        for (path, bytes) in files {
            #expect(try fileSystem.read(path, at: 0, count: UInt64(bytes.count + 1)) == bytes, "\(path)")
        }
        try expectSound(device, linuxWrites: false)
    }
}
