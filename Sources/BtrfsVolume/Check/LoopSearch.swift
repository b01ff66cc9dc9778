internal import BtrfsFormat

/// Finds what is above itself: ways up that come back to where they have been.
///
/// - Parameters:
///   - top: where all ways should end.
///   - parent: what is above an object; nil where nothing is. It is asked once for each object on the ways up.
///   - found: is told one object of each loop.
func searchLoops<Failure: Error>(
    from starts: [ObjectID], to top: ObjectID, parent: (ObjectID) throws(Failure) -> ObjectID?,
    found: (ObjectID) -> Void
) throws(Failure) {
    // From here on the way up is known.
    var settled: Set<ObjectID> = [top]
    for start in starts {
        var way: Set<ObjectID> = []
        var next: ObjectID? = start
        while let current = next, !settled.contains(current) {
            guard way.insert(current).inserted else {
                found(current)
                break
            }
            next = try parent(current)
        }
        settled.formUnion(way)
    }
}
