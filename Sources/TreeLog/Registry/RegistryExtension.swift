/// A plugin as a whole: told of each run of a replay, and asked for what the report says of it.
public protocol RegistryExtension: AnyObject {
    /// A run begins. What the plugin keeps has to be as it was before the first: runs depend on the image alone.
    func beginRun() throws(LogError)

    /// What it is, and what it had to say since the run began.
    func makeReport() -> ExtensionReport
}

/// A plugin in force.
public struct ExtensionReport: Hashable, Sendable {
    /// One of the files that it was loaded from.
    public struct Script: Hashable, Sendable {
        /// Within the plugin's folder.
        public var path: String
        /// In hexadecimal digits.
        public var sha256: String

        /// A file of the plugin.
        public init(path: String, sha256: String) {
            self.path = path
            self.sha256 = sha256
        }
    }

    /// Something that it reported.
    public struct Message: Hashable, Sendable {
        /// How much it matters.
        public enum Level: String, Hashable, Sendable { case note, warning }
        /// How much it matters.
        public var level: Level
        /// What it said.
        public var text: String
        /// The item that it was looking at.
        public var place: LogPlace

        /// A message of the plugin.
        public init(_ level: Level, _ text: String, at place: LogPlace) {
            self.level = level
            self.text = text
            self.place = place
        }
    }

    /// The name of the plugin.
    public var name: String
    /// Its version, as it says itself.
    public var version: String
    /// The files that it was loaded from.
    public var scripts: [Script]
    /// What it reported since the run began, in that order.
    public var messages: [Message]

    /// What a report says of a plugin.
    public init(name: String, version: String, scripts: [Script] = [], messages: [Message] = []) {
        self.name = name
        self.version = version
        self.scripts = scripts
        self.messages = messages
    }
}
