internal import Dispatch
internal import Synchronization

/// Work in numbered pieces that another thread does ahead of the use of what it makes.
///
/// A piece that is needed and that nobody has begun is done by whoever needs it. All functions are for one thread, the
/// user's; what the pieces do must not touch what that thread uses meanwhile.
final class WorkAhead: @unchecked Sendable {
    private let work: (Int) -> Void
    /// Which pieces somebody does or has done: who sets the mark does the piece.
    private let begun: Mutex<[Bool]>
    private let done: [DispatchSemaphore]
    /// The pieces that the user has done or waited for.
    private var isHere: [Bool]

    init(pieceCount: Int, _ work: @escaping (Int) -> Void) {
        self.work = work
        begun = Mutex(Array(repeating: false, count: pieceCount))
        done = (0..<pieceCount).map { _ in DispatchSemaphore(value: 0) }
        isHere = Array(repeating: false, count: pieceCount)
    }

    func start() {
        DispatchQueue.global().async { [self] in
            for piece in done.indices where begin(piece) {
                work(piece)
                done[piece].signal()
            }
        }
    }

    private func begin(_ piece: Int) -> Bool {
        begun.withLock { begun in
            defer { begun[piece] = true }
            return !begun[piece]
        }
    }

    /// Comes back when the piece is done.
    func need(_ piece: Int) {
        if isHere[piece] { return }
        if begin(piece) { work(piece) } else { done[piece].wait() }
        isHere[piece] = true
    }

    /// Ends the work: what was not begun is not done any more.
    func finish() {
        for piece in done.indices where !isHere[piece] {
            if !begin(piece) { done[piece].wait() }
            isHere[piece] = true
        }
    }
}
