/// What a walk does with each block of a log.
///
/// Leaves come in key order and before the node above them, the root last. The corresponding kernel type is the
/// member `process_func` of `walk_control`.
public protocol ProcessFunction {
    /// - Throws: `LogError` to end the walk.
    func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError)
}

/// Where the blocks of a log are pinned, written and freed: what the process functions `pin`, `write`, `wait` and
/// `free` act on. A replay has one that pins in its transaction; whoever writes logs brings another.
public protocol LogBlockTarget: AnyObject {
    /// Nothing may be allocated over the block until the transaction is durable.
    func pin(_ block: LogBlock) throws(LogError)
    /// Starts to write the block.
    func write(_ block: LogBlock) throws(LogError)
    /// Waits until the block is written.
    func wait(_ block: LogBlock) throws(LogError)
    /// The block is no longer part of a log.
    func free(_ block: LogBlock) throws(LogError)
}

extension LogBlockTarget {
    public func pin(_ block: LogBlock) throws(LogError) {}
    public func write(_ block: LogBlock) throws(LogError) {}
    public func wait(_ block: LogBlock) throws(LogError) {}
    public func free(_ block: LogBlock) throws(LogError) {}
}

/// Who decides about blocks that cannot be read. Without one the walk ends.
public protocol DamageHandler: AnyObject {
    /// - Throws: `LogError` to end the walk; otherwise it goes on behind the block.
    func handleDamage(of block: LogBlock, _ error: LogError) throws(LogError)
}
