import BlockDevices
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Wherever the power goes during an fsync, the file is as it was before or as it was made durable.
@Suite struct PowerCutTests {
    @Test(arguments: ["chmod_fsync", "mix_a.holes", "mix_a.raid1"]) func anFsyncIsDoneOrNot(image: String) throws {
        let devices = try LoggedVolume(image).crash()
        let recording = Recording()
        let fs = try FileSystem(mounting: devices.map { RecordingDevice(base: $0, recording: recording) })
        try fs.makeDirectory("/dir")
        try fs.create("/dir/f")
        try fs.write("/dir/f", at: 0, [UInt8](repeating: 1, count: 20_000))
        try fs.sync()
        var states: [JSONValue] = [try LoggedVolume.replayed(recording.end)]
        for round in UInt8(2)..<6 {
            let begin = recording.operations.count
            try fs.write("/dir/f", at: UInt64(round) * 3000, [UInt8](repeating: round, count: 9000))
            if round == 4 {
                try fs.rename("/dir/f", to: "/dir/g")
                try fs.link("/dir/g", to: "/dir/f")
            }
            let outcome = try fs.fsync("/dir/f")
            guard case .logged = outcome else {
                Issue.record("\(outcome)")
                return
            }
            states.append(try LoggedVolume.replayed(recording.end))
            let operations = recording.operations[begin...]
            #expect(operations.filter(\.isFlush).count == 2 * devices.count)
            for count in begin...recording.operations.count {
                let open = recording.unflushedWrites(after: count)
                for dropped in [[], Set(open)] + open.map({ [$0] }) {
                    let cut = try recording.state(at: CrashPoint(after: count, dropping: dropped))
                    let state = try LoggedVolume.replayed(cut)
                    let isOneOfThem = states.suffix(2).contains { expected in
                        StateComparison.compare(expected: expected, actual: state, masks: ["*:*:ctime"]).isEmpty
                    }
                    #expect(isOneOfThem, "round \(round), after \(count - begin), dropped \(dropped.count)")
                }
            }
        }
    }
}

extension Recording {
    /// The devices after all operations.
    fileprivate var end: [OverlayDevice] {
        get throws { try state(at: CrashPoint(after: operations.count)) }
    }
}
