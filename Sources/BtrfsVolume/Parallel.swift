internal import Dispatch
internal import Synchronization

/// Calls `body` for `0..<count` in pieces, on several threads where the machine has them, and waits for all.
///
/// The order is not defined, and no call may touch what another one changes: nothing checks that.
///
/// - Throws: the error of one of the pieces that failed; others may have been done in full.
func inParallel(
    _ count: Int, _ body: @escaping (Int) throws(VolumeError) -> Void
) throws(VolumeError) {
    // A few pieces for each thread, so that none waits long for the slowest.
    let pieceCount = min(count, 8)
    let work = SharedWork(body: body)
    DispatchQueue.concurrentPerform(iterations: pieceCount) { piece in
        work.run(count * piece / pieceCount..<count * (piece + 1) / pieceCount)
    }
    if let error = work.failure.withLock({ $0 }) { throw error }
}

private final class SharedWork: @unchecked Sendable {
    let failure = Mutex<VolumeError?>(nil)
    private let body: (Int) throws(VolumeError) -> Void

    init(body: @escaping (Int) throws(VolumeError) -> Void) { self.body = body }

    func run(_ range: Range<Int>) {
        do throws(VolumeError) {
            for index in range { try body(index) }
        } catch {
            failure.withLock { $0 = error }
        }
    }
}
