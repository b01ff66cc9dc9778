// The process functions that deal with blocks as such. The corresponding kernel function is
// `process_one_buffer`, which does what the flags of the walk control say.

/// `pin`: keeps every block of the log from being allocated.
public struct PinBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        if control.pin { try control.target?.pin(block) }
    }
}

/// `write`: starts to write every block; waits for it as well where the control says so.
public struct WriteBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        if control.write { try control.target?.write(block) }
        if control.wait { try control.target?.wait(block) }
    }
}

/// `wait`: waits until every block is written.
public struct AwaitBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        if control.wait { try control.target?.wait(block) }
    }
}

/// `free`: does nothing by itself; the walk frees each block after it, as the control's flag says.
public struct FreeBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {}
}

/// `replay`: gives the items of each leaf to the handlers of their types.
///
/// The corresponding kernel function is `replay_one_buffer`.
public struct ReplayBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        guard block.level == 0, let session = control.session else { return }
        try session.replay(block, in: control.stage)
        // No stage comes after this one. What is replayed takes as much memory as its leaf gives back.
        if control.stage == .everything { block.release() }
    }
}

/// `verify`: reads every block, which checks all of it: checksum, place, structure and each item's content.
public struct VerifyBlocks: ProcessFunction {
    /// The function; it has no state.
    public init() {}

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        do throws(LogError) {
            _ = try block.load()
        } catch {
            guard let handler = control.damageHandler else { throw error }
            try handler.handleDamage(of: block, error)
        }
    }
}
