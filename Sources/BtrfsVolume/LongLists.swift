extension Array {
    /// Appends to a list that may grow to megabytes.
    ///
    /// Once full it gets sixteen times the room. The system gives pages of it when they are first touched, so that
    /// costs nothing before it is used, and nearly all that is touched is touched once; that, and not copying, is what
    /// takes time where lists double.
    @inline(__always)
    package mutating func appendToLongList(_ element: Element) {
        if count == capacity { reserveCapacity(Swift.max(16, count * 16)) }
        append(element)
    }
}
