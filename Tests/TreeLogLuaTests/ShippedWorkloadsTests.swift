import BlockDevices
import BtrfsVolume
import Foundation
import KernelOracle
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// The workloads in `Scripts/workloads` pass in memory, and Linux makes the same of what crashes leave of them.
@Suite(.serialized) struct ShippedWorkloadsTests {
    static let folder = Fixtures.packageRoot + "/Scripts/workloads"
    static let names = (try? FileManager.default.contentsOfDirectory(atPath: folder))?
        .filter { $0.hasSuffix(".lua") }.map { String($0.dropLast(4)) }.sorted() ?? []

    static func workload(_ name: String, seed: UInt64 = 0) throws -> Workload {
        try Workload(PluginSource(at: "\(folder)/\(name).lua"), seed: seed)
    }

    @Test func thereIsOneForEachKnownFailure() throws {
        #expect(Self.names.count > 80)
        for name in Self.names {
            let workload = try Self.workload(name)
            #expect(workload.name == name)
            #expect(workload.hasCheck && !workload.summary.isEmpty, "\(name) says what it is about")
        }
    }

    @Test(arguments: names) func findsWhatItExpects(_ name: String) throws {
        try expectToPass(Self.workload(name))
    }

    /// What fails does so with few seeds.
    @Test(arguments: Seeds.first(24)) func randomWorkWithSubvolumesFindsWhatItExpects(seed: UInt64) throws {
        try expectToPass(Self.workload("random_subvolumes", seed: seed))
    }

    private func expectToPass(_ workload: Workload) throws {
        let plan = try workload.plan(on: try workload.volume.makeDevice())
        for crash in plan.usualCrashes {
            do throws(WorkloadFailure) { try workload.judge(crash, of: plan) } catch {
                Issue.record("\(crash.text): \(error)")
            }
        }
    }

    // MARK: Linux

    /// A volume as the last crash of a workload leaves it.
    private struct Crashed {
        let name: String
        let device: OverlayDevice
        let path: String
        /// For the kernel in user mode, which writes to it.
        let copy: String

        init(_ name: String, _ folder: borrowing TemporaryFolder) throws {
            let workload = try ShippedWorkloadsTests.workload(name)
            let volume = try workload.volume.makeDevice()
            let plan = try workload.plan(on: volume)
            let crash = plan.crash(afterDeviceOperations: plan.deviceOperationCount)
            self.name = name
            device = try workload.device(after: crash, of: plan)
            path = folder.file(name + ".img")
            copy = folder.file(name + ".uml.img")
            var ranges = Swift.RangeSet<UInt64>()
            let base = plan.base as? OverlayDevice
            for range in Array(volume.dataRanges.ranges) + (base?.writtenRanges ?? []) + device.writtenRanges {
                ranges.insert(contentsOf: range)
            }
            try Self.write(device, ranges, to: path)
            try FileDevice.clone(from: path, to: copy)
        }

        private static func write(_ device: OverlayDevice, _ ranges: Swift.RangeSet<UInt64>, to path: String) throws {
            let file = try FileDevice.create(at: path, byteCount: device.byteCount)
            for range in ranges.ranges {
                try file.write(try device.bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
            }
        }

        /// What treelog makes of it.
        func state() throws -> JSONValue {
            var options = MountOptions()
            options.clock = MountOptions.steppingClock(from: ShippedWorkloadsTests.replayTime)
            let fileSystem = try FileSystem(mounting: [OverlayDevice(base: device)], options)
            return try JSONValue(parsing: try fileSystem.state())
        }
    }

    /// `btrfs check`, the kernel in user mode and the kernel of this machine, in this order: a log that harms a kernel
    /// must not reach the last one.
    @Test(.enabled(if: skipReason == nil, Comment(rawValue: skipReason ?? "")))
    func linuxReplaysTheLogsToTheSameState() throws {
        let folder = try TemporaryFolder()
        let crashed = try Self.names.map { try Crashed($0, folder) }
        let sound = try crashed.filter { image in
            let verdict = try BtrfsCheck.run(images: [image.path])
            #expect(!verdict.hasErrors, "\(image.name): \(verdict)")
            return !verdict.hasErrors
        }
        let outcomes = try UserModeLinux.mount(
            volumes: sound.map { [$0.copy] }, script: "find $MOUNT -type f -exec cat {} + > /dev/null")
        for (image, outcome) in zip(sound, outcomes) {
            #expect(outcome.isMounted, "\(image.name): \(outcome)")
            guard outcome.isMounted else { continue }
            let verdict = try BtrfsCheck.run(images: [image.copy])
            #expect(!verdict.hasErrors, "\(image.name), replayed in user mode: \(verdict)")
            let expected = try image.state()
            let actual = try HostKernel.state(of: [image.path], log: .replayedByKernel)
            let masks = Self.changesOfTheReplay(in: expected)
            let differences = StateComparison.compare(expected: expected, actual: actual, masks: masks)
            #expect(differences.isEmpty, "\(image.name): \(differences)")
            let replayed = try BtrfsCheck.run(images: [image.path])
            #expect(!replayed.hasErrors, "\(image.name), replayed: \(replayed)")
        }
    }

    /// Later than all that workloads do.
    static let replayTime: Int64 = 1_800_000_000

    /// The times that a replay sets to those of its own: Linux has another clock.
    private static func changesOfTheReplay(in document: JSONValue) -> [StateComparison.Mask] {
        var masks: [StateComparison.Mask] = []
        for (path, subvolume) in document["subvolumes"]?.members ?? [:] {
            for (number, inode) in subvolume["inodes"]?.members ?? [:]
            where inode["ctime"] == .string("\(replayTime + 1).000000000") {
                masks.append(StateComparison.Mask(subvolume: path, inode: number, field: "ctime"))
            }
        }
        return masks
    }

    static let skipReason = KernelOracle.skipReason(.btrfsCheck, .userModeLinux, .hostKernel)
}
