internal import BtrfsFormat
internal import BtrfsVolume
internal import Synchronization

/// Lets either a log be published or a commit be made: logs one after the other as they were made, and none after the
/// commit of its transaction, since the superblock that names it is that of the state before.
final class PublicationGate: Sendable {
    private struct Passed {
        /// The generation of the running transaction.
        var generation: Generation
        /// The number of the last log that was published or failed to be.
        var number: UInt64 = 0
        var failure: VolumeError?
    }

    private let passed: Mutex<Passed>

    init(_ generation: Generation) { passed = Mutex(Passed(generation: generation)) }

    /// Publishes a log. One that was overtaken by a commit is not written, and one that was already is not once more.
    func perform(_ publication: LogPublication) -> VolumeError? {
        passed.withLock { passed in
            guard publication.generation == passed.generation else { return nil }
            guard publication.number > passed.number else { return passed.failure }
            passed.number = publication.number
            do throws(VolumeError) {
                try publication.perform()
                passed.failure = nil
            } catch { passed.failure = error }
            return passed.failure
        }
    }

    /// Makes a commit while no log is on its way.
    func pass(_ commit: () throws -> Void) throws {
        try passed.withLock { passed in
            // One that fails half way may have made its superblock the one that counts.
            passed.generation += 1
            try commit()
        }
    }
}
