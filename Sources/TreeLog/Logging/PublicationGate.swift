internal import BtrfsFormat
internal import BtrfsVolume
internal import Synchronization

/// Lets either a log be published or a commit be made, and no log after the commit of its transaction: the superblock
/// that names it is that of the state before.
final class PublicationGate: Sendable {
    /// The generation of the running transaction.
    private let generation: Mutex<Generation>

    init(_ generation: Generation) { self.generation = Mutex(generation) }

    /// Publishes a log; one that was overtaken by a commit is not written.
    func perform(_ publication: LogPublication) -> VolumeError? {
        generation.withLock { generation in
            guard generation == publication.generation else { return nil }
            do throws(VolumeError) {
                try publication.perform()
                return nil
            } catch { return error }
        }
    }

    /// Makes a commit while no log is on its way.
    func pass(_ commit: () throws -> Void) throws {
        try generation.withLock { generation in
            // One that fails half way may have made its superblock the one that counts.
            generation += 1
            try commit()
        }
    }
}
