package import BtrfsFormat

/// The way along a path: where it has come to, and the names still to go.
package struct PathWalk {
    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")
    /// The kernel gives up after this many symbolic links on one path.
    private static let symlinkLimit = 40

    private var above: [FileLocation] = []
    /// The file to which the names so far lead.
    package private(set) var here: FileLocation
    /// The names still to go, the next at the end.
    private var names: [[UInt8]]
    private var symlinkCount = 0

    /// A walk from the root of a subvolume. `/` in front and several in a row mean nothing.
    package init(_ path: [UInt8], from subvolume: ObjectID) {
        here = .root(of: subvolume)
        names = Self.components(path)
    }

    private static func components(_ path: [UInt8]) -> [[UInt8]] {
        path.split(separator: slash).reversed().map { Array($0) }
    }

    /// Whether the name taken last was the last one.
    package var isAtEnd: Bool { names.isEmpty }

    /// Takes the next name; nil at the end.
    package mutating func nextName() -> [UInt8]? { names.popLast() }

    /// Whether a name is `.`, which stays, or `..`, which goes up, at the root to the root; the step is done then.
    package mutating func isDots(_ name: [UInt8]) -> Bool {
        if name == [Self.dot] { return true }
        guard name == [Self.dot, Self.dot] else { return false }
        if let parent = above.popLast() { here = parent }
        return true
    }

    /// Goes to what a name leads to.
    package mutating func enter(_ next: FileLocation) {
        above.append(here)
        here = next
    }

    /// Goes on at the target of a symbolic link; false when there were too many on this way.
    package mutating func follow(_ target: [UInt8]) -> Bool {
        symlinkCount += 1
        guard symlinkCount <= Self.symlinkLimit else { return false }
        if target.first == Self.slash, let root = above.first {
            here = root
            above = []
        }
        names += Self.components(target)
        return true
    }
}
