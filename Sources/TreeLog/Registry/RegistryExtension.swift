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

        public init(path: String, sha256: String) {
            self.path = path
            self.sha256 = sha256
        }
    }

    /// Something that it reported.
    public struct Message: Hashable, Sendable {
        public enum Level: String, Hashable, Sendable { case note, warning }
        public var level: Level
        public var text: String
        public var place: LogPlace

        public init(_ level: Level, _ text: String, at place: LogPlace) {
            self.level = level
            self.text = text
            self.place = place
        }
    }

    public var name: String
    public var version: String
    public var scripts: [Script]
    public var messages: [Message]

    public init(name: String, version: String, scripts: [Script] = [], messages: [Message] = []) {
        self.name = name
        self.version = version
        self.scripts = scripts
        self.messages = messages
    }
}
