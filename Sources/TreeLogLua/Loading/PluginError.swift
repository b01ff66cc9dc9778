/// One thing that is wrong with a plugin.
public struct PluginProblem: Equatable, Sendable, CustomStringConvertible {
    /// File and line, as `Plugins/counter/plugin.lua:12`, or only what is known of them.
    public var place: String
    /// What is wrong, and where it helps, what was meant.
    public var text: String

    /// What is wrong, and where.
    public init(_ text: String, at place: String) {
        self.text = text
        self.place = place
    }

    public var description: String { place.isEmpty ? text : "\(place): \(text)" }
}

/// Why plugins were not loaded: all that is wrong with them, so that it can be corrected at once.
public struct PluginError: Error, Equatable, Sendable, CustomStringConvertible {
    /// At least one.
    public var problems: [PluginProblem]

    /// An error of one problem or more.
    public init(_ problems: [PluginProblem]) { self.problems = problems }
    /// An error of one problem.
    public init(_ text: String, at place: String = "") { problems = [PluginProblem(text, at: place)] }

    /// A line for each problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
