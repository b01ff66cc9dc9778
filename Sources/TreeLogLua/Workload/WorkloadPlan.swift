public import BlockDevices
public import TreeLog

/// An operation of a workload, as it happened.
public struct WorkloadStep {
    /// The function of the script: `setup` or `run`.
    public var function: String
    /// Counted from 1, in each of the two.
    public var number: Int
    /// Such as `fsync`.
    public var name: String
    /// With its arguments: `fsync "/y"`.
    public var text: String
    /// The code of its error, if it failed.
    public var error: String?
    /// The mark that it set.
    public var mark: String?
    /// What an fsync did.
    public var sync: SyncOutcome?
    /// What it did to the devices, in the recording.
    public var deviceOperations: Range<Int>
    /// What it wrote to the devices, in bytes.
    public var byteCount: UInt64
}

/// What a workload did: all that is needed to know what any crash leaves. Checks are another matter.
public struct WorkloadPlan {
    /// The volume as `setup` left it. Nothing writes to it any more.
    public let base: any BlockDevice
    /// The writes and flushes of `run`.
    public let recording: Recording
    /// The operations of `run`.
    public let steps: [WorkloadStep]
    /// Whether the workload asks for a crash after each flush.
    let crashesAtFlushes: Bool

    /// How many operations there are on the devices.
    public var deviceOperationCount: Int { recording.operations.count }

    /// The crash after so many operations on the devices, in which all that was not flushed is lost.
    public func crash(afterDeviceOperations count: Int) -> WorkloadCrash {
        let lost = Set(recording.unflushedWrites(after: count))
        return crash(at: CrashPoint(after: count, dropping: lost))
    }

    /// Any crash.
    public func crash(at point: CrashPoint) -> WorkloadCrash {
        var marks: [String: Bool] = [:]
        var (operation, text) = (0, "before all")
        for step in steps {
            let isOver = step.deviceOperations.upperBound <= point.operationCount
            if let mark = step.mark { marks[mark] = isOver }
            guard isOver else { continue }
            operation = step.number
            // What has changed nothing on the device does not tell where the power went.
            if step.mark != nil || !step.deviceOperations.isEmpty { text = "after \(step.text)" }
        }
        return WorkloadCrash(point: point, operation: operation, text: text, marks: marks)
    }

    /// The crash after an operation of `run`, by its number; 0 is before all. Nil when there are not so many.
    public func crash(afterOperation number: Int) -> WorkloadCrash? {
        if number == 0 { return crash(afterDeviceOperations: 0) }
        guard let step = steps.first(where: { $0.number == number }) else { return nil }
        return crash(afterDeviceOperations: step.deviceOperations.upperBound)
    }

    /// The crash at a mark. Nil when there is none of the name.
    public func crash(atMark mark: String) -> WorkloadCrash? {
        steps.first { $0.mark == mark }.map { crash(afterDeviceOperations: $0.deviceOperations.upperBound) }
    }

    /// The crashes that are checked if nothing else is said: after each operation that makes things durable, at each
    /// mark, and at the end; where the workload says so, after each flush.
    public var usualCrashes: [WorkloadCrash] {
        var counts = Set([deviceOperationCount])
        for step in steps where step.mark != nil || step.sync != nil || step.name == "sync" {
            counts.insert(step.deviceOperations.upperBound)
        }
        if crashesAtFlushes {
            for (index, operation) in recording.operations.enumerated() where operation.isFlush {
                counts.insert(index + 1)
            }
        }
        return counts.sorted().map { crash(afterDeviceOperations: $0) }
    }
}

/// Where the power goes in a workload.
public struct WorkloadCrash {
    /// What reached the medium.
    public let point: CrashPoint
    /// The last operation of `run` that had returned; 0 for none.
    public let operation: Int
    /// The same in words.
    public let text: String
    /// All marks, and whether `run` had passed them.
    let marks: [String: Bool]
}

/// Why a workload did not pass.
public struct WorkloadFailure: Error, Sendable, CustomStringConvertible {
    /// What failed.
    public enum Kind: Sendable, Equatable {
        /// Something that the script expected is not so.
        case expectation
        /// The script itself, or an operation that it did not expect to fail.
        case script
        /// The volume could not be mounted.
        case mount
    }

    /// What failed.
    public var kind: Kind
    /// The function of the script.
    public var function: String
    /// File and line, and what is wrong.
    public var message: String
    /// The calls at that time, a line each.
    public var traceback: String

    public var description: String { message }
}
