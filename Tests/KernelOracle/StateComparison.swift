/// Compares two state documents: what a tree must be, and what it is.
///
/// All fields are compared exactly and the order of directory entries too. A null in
/// the expected document is not compared, but the field must be there. What is missing
/// and what nobody expected are differences.
public struct StateComparison: Sendable {
    /// Values that are not compared, written `SUBVOLUME:INODE:FIELD` as in `not_compared` of a
    /// manifest, where `*` stands for any: `/:257:ctime`, `*:*:atime`.
    public struct Mask: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
        public var subvolume: String
        public var inode: String
        public var field: String

        public init(subvolume: String = "*", inode: String = "*", field: String) {
            (self.subvolume, self.inode, self.field) = (subvolume, inode, field)
        }

        /// - Returns: nil when the text has not three parts.
        public init?(_ text: String) {
            // The path of a subvolume may have colons, the others have none.
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count >= 3 else { return nil }
            self.init(
                subvolume: parts.dropLast(2).joined(separator: ":"),
                inode: parts[parts.count - 2], field: parts[parts.count - 1])
        }

        public init(stringLiteral text: String) {
            guard let mask = Mask(text) else { preconditionFailure("a mask is SUBVOLUME:INODE:FIELD") }
            self = mask
        }

        public var description: String { "\(subvolume):\(inode):\(field)" }

        func covers(_ subvolume: String, _ inode: String, _ field: String) -> Bool {
            (self.subvolume == "*" || self.subvolume == subvolume)
                && (self.inode == "*" || self.inode == inode)
                && (self.field == "*" || self.field == field)
        }

        /// The ctime of every file that has several names: what a hazard image leaves open.
        public static func changeTimesOfLinkedFiles(in document: JSONValue) -> [Mask] {
            var masks: [Mask] = []
            for (path, subvolume) in document["subvolumes"]?.members ?? [:] {
                for (number, inode) in subvolume["inodes"]?.members ?? [:]
                where inode["type"] != .string("dir") && (inode["nlink"]?.integer ?? 1) > 1 {
                    masks.append(Mask(subvolume: path, inode: number, field: "ctime"))
                }
            }
            return masks
        }
    }

    /// The differences found: all are counted, the first ones are told.
    public struct Differences: Sendable, CustomStringConvertible {
        public fileprivate(set) var count = 0
        public fileprivate(set) var lines: [String] = []
        fileprivate let limit: Int

        public var isEmpty: Bool { count == 0 }

        public var description: String {
            if isEmpty { return "no difference" }
            let more = count > lines.count ? ["… and \(count - lines.count) more"] : []
            return (lines + more).joined(separator: "\n")
        }

        fileprivate mutating func add(_ line: @autoclosure () -> String) {
            count += 1
            if lines.count < limit { lines.append(line()) }
        }
    }

    /// Compares two documents; at most `limit` differences are told in words.
    public static func compare(
        expected: JSONValue, actual: JSONValue, masks: [Mask] = [], limit: Int = 20
    ) -> Differences {
        var comparison = StateComparison(masks: masks, differences: Differences(limit: limit))
        comparison.compareMembers(expected, actual, at: "document") { this, name, expected, actual in
            if name == "subvolumes" {
                this.compareMembers(expected, actual, at: "subvolumes") { this, path, expected, actual in
                    this.compareSubvolume(path, expected, actual)
                }
            } else {
                this.compareValue(expected, actual, at: name)
            }
        }
        return comparison.differences
    }

    private let masks: [Mask]
    private var differences: Differences

    private init(masks: [Mask], differences: Differences) {
        (self.masks, self.differences) = (masks, differences)
    }

    /// Walks the members of two objects; `compare` gets those that both have.
    private mutating func compareMembers(
        _ expected: JSONValue, _ actual: JSONValue, at place: String,
        isMasked: (String) -> Bool = { _ in false },
        _ compare: (inout StateComparison, String, JSONValue, JSONValue) -> Void
    ) {
        guard let wanted = expected.members, let found = actual.members else {
            compareValue(expected, actual, at: place)
            return
        }
        for name in JSONValue.sortedNames(Set(wanted.keys).union(found.keys)) where !isMasked(name) {
            switch (wanted[name], found[name]) {
            case (let wanted?, let found?): compare(&self, name, wanted, found)
            case (let wanted?, nil): differences.add("\(place) \(name): missing, expected \(brief(wanted))")
            case (nil, let found?): differences.add("\(place) \(name): not expected, got \(brief(found))")
            case (nil, nil): break
            }
        }
    }

    private mutating func compareSubvolume(_ path: String, _ expected: JSONValue, _ actual: JSONValue) {
        compareMembers(expected, actual, at: path) { this, part, expected, actual in
            switch part {
            case "dirs":
                this.compareMembers(expected, actual, at: "\(path) dirs") { this, name, expected, actual in
                    this.compareDirectory("\(path) dirs \(name)", expected, actual)
                }
            case "inodes":
                this.compareMembers(expected, actual, at: "\(path) inodes") { this, inode, expected, actual in
                    this.compareInode(path, inode, expected, actual)
                }
            default: this.compareValue(expected, actual, at: "\(path) \(part)")
            }
        }
    }

    private mutating func compareInode(
        _ path: String, _ inode: String, _ expected: JSONValue, _ actual: JSONValue
    ) {
        let covers = masks.filter { $0.covers(path, inode, $0.field) }
        let isMasked = { (field: String) in covers.contains { $0.covers(path, inode, field) } }
        compareMembers(expected, actual, at: "\(path) \(inode)", isMasked: isMasked) {
            this, field, expected, actual in
            if expected == .null { return }
            this.compareValue(expected, actual, at: "\(path) \(inode) \(field)")
        }
    }

    /// Which entries are missing or too many, and only where they are the same, their order.
    private mutating func compareDirectory(_ place: String, _ expected: JSONValue, _ actual: JSONValue) {
        guard expected != actual else { return }
        guard let wanted = expected.elements, let found = actual.elements else {
            compareValue(expected, actual, at: place)
            return
        }
        let (wantedSet, foundSet) = (Set(wanted), Set(found))
        let before = differences.count
        for entry in wanted where !foundSet.contains(entry) {
            differences.add("\(place): expected \(brief(entry)), missing")
        }
        for entry in found where !wantedSet.contains(entry) {
            differences.add("\(place): got \(brief(entry)), not expected")
        }
        if differences.count == before { compareElements(wanted, found, at: "\(place), order") }
    }

    private mutating func compareValue(_ expected: JSONValue, _ actual: JSONValue, at place: String) {
        guard expected != actual else { return }
        switch (expected, actual) {
        case (.object, .object):
            compareMembers(expected, actual, at: place) { this, name, expected, actual in
                this.compareValue(expected, actual, at: "\(place) \(name)")
            }
        case (.array(let wanted), .array(let found)): compareElements(wanted, found, at: place)
        default: differences.add("\(place): expected \(brief(expected)) got \(brief(actual))")
        }
    }

    /// Tells the first place where two lists part.
    private mutating func compareElements(_ wanted: [JSONValue], _ found: [JSONValue], at place: String) {
        let same = zip(wanted, found).prefix { $0 == $1 }.count
        let expected = same < wanted.count ? brief(wanted[same]) : "the end"
        let actual = same < found.count ? brief(found[same]) : "the end"
        let number = "number \(same + 1) of \(wanted.count)/\(found.count)"
        differences.add("\(place): expected \(expected) got \(actual) as \(number)")
    }
}

private func brief(_ value: JSONValue) -> String {
    let text = value.description
    return text.utf8.count <= 120 ? text : text.prefix(117) + "…"
}
