internal import TreeLog

/// A bar on the terminal that shows how far a replay has come.
final class ProgressMeter {
    private let console: Console
    private let isShown: Bool
    private var shown = ContinuousClock.now
    private static let interval = Duration.milliseconds(80)
    private static let barWidth = 24

    init(_ console: Console) {
        self.console = console
        isShown = console.showsStatus
    }

    /// For `ReplayOptions.progress`; nil where nobody sees the bar.
    var hook: ((Progress) -> Void)? { isShown ? { [self] in update($0) } : nil }

    private func update(_ progress: Progress) {
        let now = ContinuousClock.now
        guard now - shown >= Self.interval else { return }
        shown = now
        let done = progress.doneBlockCount
        var text = "\(progress.stage), subvolume \(progress.subvolume): "
        if progress.blockCount > 0 {
            let filled = min(done, progress.blockCount) * Self.barWidth / progress.blockCount
            text += "[" + String(repeating: "#", count: filled)
            text += String(repeating: ".", count: Self.barWidth - filled) + "] "
            text += "\(done) of \(progress.blockCount) blocks"
        } else {
            text += "\(done) blocks"
        }
        console.showStatus(text.fitted(to: console.statusColumnCount))
    }

    /// Takes the bar away.
    func finish() { console.clearStatus() }
}
