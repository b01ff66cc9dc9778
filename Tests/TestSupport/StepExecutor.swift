import Synchronization

/// Runs tasks one after the other on the thread that says so, each until it waits for another one.
public final class StepExecutor: TaskExecutor {
    /// What a task does up to where it waits; an array cannot hold it as it is.
    private final class Step: @unchecked Sendable {
        private var job: ExecutorJob?

        init(_ job: consuming ExecutorJob) { self.job = consume job }

        func run(on executor: StepExecutor) {
            unsafe job.take()?.runSynchronously(on: executor.asUnownedTaskExecutor())
        }
    }

    private let steps = Mutex<[Step]>([])

    public init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        let step = Step(job)
        steps.withLock { $0.append(step) }
    }

    /// Lets the tasks run until each has ended or waits. They may themselves call this.
    public func run() {
        while let step = steps.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { step.run(on: self) }
    }
}
