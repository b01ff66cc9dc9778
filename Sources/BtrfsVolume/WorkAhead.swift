internal import Dispatch
internal import Synchronization

/// Work in numbered pieces that another thread does ahead of the use of what it makes.
///
/// Whoever needs a piece that nobody has begun does it, and while the other thread is at a piece that is needed, the
/// user does the ones behind it. All functions are for one thread, the user's; what the pieces do must not touch what
/// that thread uses meanwhile.
final class WorkAhead: @unchecked Sendable {
    private let work: (Int) -> Void
    /// Which pieces somebody does or has done: who sets the mark does the piece.
    private let begun: Mutex<Begun>
    private let done: [DispatchSemaphore]
    /// The pieces that the user has done or waited for.
    private var isHere: [Bool]

    private struct Begun {
        var isBegun: [Bool]
        /// All pieces before this one are begun.
        var first = 0

        mutating func begin(_ piece: Int) -> Bool {
            defer { isBegun[piece] = true }
            return !isBegun[piece]
        }

        mutating func beginNext() -> Int? {
            while first < isBegun.count, isBegun[first] { first += 1 }
            guard first < isBegun.count else { return nil }
            isBegun[first] = true
            return first
        }
    }

    init(pieceCount: Int, _ work: @escaping (Int) -> Void) {
        self.work = work
        begun = Mutex(Begun(isBegun: Array(repeating: false, count: pieceCount)))
        done = (0..<pieceCount).map { _ in DispatchSemaphore(value: 0) }
        isHere = Array(repeating: false, count: pieceCount)
    }

    func start() {
        DispatchQueue.global().async { [self] in
            while let piece = beginNext() {
                work(piece)
                done[piece].signal()
            }
        }
    }

    private func begin(_ piece: Int) -> Bool { begun.withLock { $0.begin(piece) } }

    /// Begins the first piece that nobody has begun; nil when there is none left.
    private func beginNext() -> Int? { begun.withLock { $0.beginNext() } }

    /// Comes back when the piece is done.
    func need(_ piece: Int) {
        if isHere[piece] { return }
        isHere[piece] = true
        if begin(piece) { return work(piece) }
        while done[piece].wait(timeout: .now()) == .timedOut {
            guard let next = beginNext() else { return done[piece].wait() }
            work(next)
            isHere[next] = true
        }
    }

    /// Ends the work: what was not begun is not done any more.
    func finish() {
        for piece in done.indices where !isHere[piece] {
            isHere[piece] = true
            if !begin(piece) { done[piece].wait() }
        }
    }
}
