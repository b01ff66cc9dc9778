import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing

/// New volumes: what `Volume.create` makes is what Linux and the checks take for a volume.
@Suite struct CreationTests {
    struct Variant: Sendable, CustomTestStringConvertible {
        var name: String
        var byteCount: UInt64 = 256 << 20
        var change: @Sendable (inout VolumeOptions) -> Void

        var testDescription: String { name }

        var options: VolumeOptions {
            var options = VolumeOptions()
            options.seed = 7
            options.label = Array("a label".utf8)
            change(&options)
            return options
        }
    }

    static let variants: [Variant] = [
        Variant(name: "default") { _ in },
        Variant(name: "as small as can be", byteCount: 33 << 20) { _ in },
        Variant(name: "with a superblock copy among the chunks", byteCount: 3 << 30) { _ in },
        Variant(name: "single") { $0.metadataProfile = .single },
        Variant(name: "small nodes") { $0.nodeSize = 4096 },
        Variant(name: "large nodes", byteCount: 512 << 20) { $0.nodeSize = 65536 },
        Variant(name: "xxhash64") { $0.checksumType = .xxhash64 },
        Variant(name: "sha256") { $0.checksumType = .sha256 },
        Variant(name: "blake2b") { $0.checksumType = .blake2b },
        Variant(name: "no free space tree") { $0.hasFreeSpaceTree = false },
        Variant(name: "block group tree") { $0.hasBlockGroupTree = true },
        Variant(name: "block group tree, small nodes") {
            $0.hasBlockGroupTree = true
            $0.nodeSize = 4096
        },
        Variant(name: "no skinny metadata") { $0.hasSkinnyMetadata = false },
        Variant(name: "hole items, no extended references") {
            $0.hasNoHoles = false
            $0.hasExtendedReferences = false
        },
        Variant(name: "mixed groups") {
            $0.hasMixedGroups = true
            $0.nodeSize = 4096
        },
    ]

    private func make(_ variant: Variant) throws -> MemoryDevice {
        let device = MemoryDevice(byteCount: variant.byteCount)
        try Volume.create(on: device, variant.options)
        return device
    }

    @Test(arguments: variants)
    func isSound(_ variant: Variant) throws {
        let device = try make(variant)
        let volume = try Volume(opening: [device])
        #expect(volume.superblock.label == Array("a label".utf8))
        #expect(try volume.subvolumes() == [.fileTree])
        let report = VolumeChecker(volume).run()
        #expect(report.findings.isEmpty, "\(report.findings)")
        // A transaction on it commits, and the result is sound as well.
        let transaction = try Transaction(on: volume)
        try transaction.commit()
        let again = VolumeChecker(try Volume(opening: [device])).run()
        #expect(again.findings.isEmpty, "\(again.findings)")
    }

    @Test(.enabled(if: BtrfsCheck.isAvailable, "no btrfs (btrfs-progs)"), arguments: variants)
    func isCleanForBtrfsCheck(_ variant: Variant) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try make(variant).writeImage(to: path)
        #expect(try BtrfsCheck.run(images: [path]).isClean)
    }

    @Test(
        .enabled(if: HostKernel.isAvailable, Comment(rawValue: HostKernel.skipReason ?? "")), arguments: variants)
    func servesLinux(_ variant: Variant) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try make(variant).writeImage(to: path)
        try HostKernel.mount(images: [path]) { root in
            _ = try ToolRun.shell("mkdir \(root)/d; head -c 300000 /dev/zero > \(root)/d/f; echo hello > \(root)/g")
            try HostKernel.sync(root)
        }
        #expect(try BtrfsCheck.run(images: [path]).isClean)
    }

    @Test func isTheSameForTheSameOptions() throws {
        var options = VolumeOptions()
        options.seed = 1
        options.uuid = UUID(text: "6e1c7a52-0d8e-4f7c-9a55-2f1c0b9f6a10")
        let devices = [MemoryDevice(byteCount: 64 << 20), MemoryDevice(byteCount: 64 << 20)]
        for device in devices { try Volume.create(on: device, options) }
        #expect(try devices[0].bytes(at: 0, count: 32 << 20) == devices[1].bytes(at: 0, count: 32 << 20))
        #expect(try Volume(opening: [devices[0]]).superblock.fsid == options.uuid)
        options.seed = 2
        try Volume.create(on: devices[1], options)
        #expect(try devices[0].bytes(at: 0, count: 32 << 20) != devices[1].bytes(at: 0, count: 32 << 20))
    }

    @Test func refusesWhatCannotBe() throws {
        func refused(_ byteCount: UInt64 = 256 << 20, _ change: (inout VolumeOptions) -> Void) -> Bool {
            var options = VolumeOptions()
            change(&options)
            let device = MemoryDevice(byteCount: byteCount)
            do throws(VolumeError) {
                try Volume.create(on: device, options)
                return false
            } catch {
                // Nothing was written.
                guard case .unsupported = error else { return false }
                return (try? device.bytes(at: 65536, count: 4096)) == [UInt8](repeating: 0, count: 4096)
            }
        }
        #expect(refused(16 << 20) { _ in })
        #expect(refused { $0.nodeSize = 5000 })
        #expect(refused { $0.nodeSize = 2048 })
        #expect(refused { $0.sectorSize = 512 })
        #expect(refused { $0.label = [UInt8](repeating: 65, count: 256) })
        #expect(refused { $0.hasMixedGroups = true })
        #expect(refused {
            $0.hasBlockGroupTree = true
            $0.hasFreeSpaceTree = false
        })
        #expect(!refused { _ in })
    }
}
