internal import BlockDevices
internal import BtrfsFormat
internal import FoundationEssentials

/// The text of a plugin: all Lua files of its folder, read once.
///
/// ```
/// Plugins/counter/plugin.lua      what the plugin adds
/// Plugins/counter/lib/text.lua    for `require "lib.text"`
/// Plugins/counter/test.lua        its tests
/// ```
public struct PluginSource: Sendable {
    /// The folder, or the file where the plugin is a single one.
    public let path: String
    /// The file that is run.
    public let mainFile: String
    /// By path within the folder, as `lib/text.lua`.
    public let files: [String: [UInt8]]

    static let fileLimit = 64
    static let byteLimit = 256 << 10
    static let folderDepth = 4

    /// A plugin from memory, for tests.
    public init(named name: String, files: [String: [UInt8]]) {
        path = name
        mainFile = "plugin.lua"
        self.files = files
    }

    /// Reads the plugin in a folder, or in a single `.lua` file.
    ///
    /// - Throws: `PluginError` when there is none, or its files are too many, too long or not plain files.
    public init(at path: String) throws(PluginError) {
        self.path = Self.trimmed(path)
        switch FileKind(following: path) {
        case .folder:
            mainFile = "plugin.lua"
            // The folder may hold everything but a plugin.
            guard FileKind("\(self.path)/\(mainFile)") == .file else {
                throw PluginError("there is no plugin.lua in the folder", at: self.path)
            }
            var files: [String: [UInt8]] = [:]
            try Self.read(self.path, below: "", depth: 0, into: &files)
            self.files = files
        case .file:
            guard path.hasSuffix(".lua") else { throw PluginError("a plugin is a folder or a .lua file", at: path) }
            let name = self.path.split(separator: "/").last.map(String.init) ?? self.path
            mainFile = name
            files = [name: try Self.bytes(of: self.path)]
        case .missing: throw PluginError("there is no such file or folder", at: path)
        case .other: throw PluginError("a plugin is a folder or a .lua file", at: path)
        }
    }

    /// The plugins of a folder: its subfolders with a `plugin.lua`, by name. A folder with a `plugin.lua` of its
    /// own is one plugin. A folder that does not exist has none.
    public static func discover(in folder: String) throws(PluginError) -> [PluginSource] {
        guard FileKind(following: folder) == .folder else { return [] }
        if FileKind(folder + "/plugin.lua") == .file { return [try PluginSource(at: folder)] }
        var sources: [PluginSource] = []
        for name in try names(in: folder) where FileKind("\(folder)/\(name)/plugin.lua") == .file {
            sources.append(try PluginSource(at: "\(folder)/\(name)"))
        }
        return sources
    }

    /// The place of a message, with the plugin's folder in front.
    func place(_ place: String) -> String {
        if path.hasSuffix(".lua") {
            let folder = path.dropLast(mainFile.utf8.count)
            return folder + (place.isEmpty ? mainFile : place)
        }
        return place.isEmpty ? path : "\(path)/\(place)"
    }

    // MARK: Files

    private static func trimmed(_ path: String) -> String {
        var path = path[...]
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        return String(path)
    }

    private static func names(in folder: String) throws(PluginError) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } catch {
            throw PluginError("the folder cannot be read", at: folder)
        }
    }

    /// Reads the Lua files of a folder and of those below it. Names that `require` cannot ask for are passed over.
    private static func read(
        _ folder: String, below prefix: String, depth: Int, into files: inout [String: [UInt8]]
    ) throws(PluginError) {
        for name in try names(in: folder) {
            let path = "\(folder)/\(name)"
            switch FileKind(path) {
            case .folder where depth < folderDepth && !name.hasPrefix("."):
                try read(path, below: "\(prefix)\(name)/", depth: depth + 1, into: &files)
            case .file where name.hasSuffix(".lua"):
                guard files.count < fileLimit else {
                    throw PluginError("a plugin has at most \(fileLimit) files", at: path)
                }
                files[prefix + name] = try bytes(of: path)
            default: break
            }
        }
    }

    private static func bytes(of path: String) throws(PluginError) -> [UInt8] {
        do {
            let file = try FileDevice(path: path, access: .readOnly)
            guard file.byteCount <= UInt64(byteLimit) else {
                throw PluginError("a file has at most \(byteLimit) bytes", at: path)
            }
            if file.byteCount == 0 { return [] }
            return try [UInt8](byteCount: Int(file.byteCount)) {
                (span: inout MutableRawSpan) throws(DeviceError) in try file.read(into: &span, at: 0)
            }
        } catch let error as PluginError {
            throw error
        } catch {
            throw PluginError("\(error)", at: path)
        }
    }
}

/// What stands under a path.
private enum FileKind {
    case file, folder, other, missing

    /// A folder that the user names may be a symbolic link.
    init(following path: String) {
        var isFolder = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        self = exists && isFolder ? .folder : FileKind(path)
    }

    /// Links are not followed here: what a plugin is made of lies in its folder.

    init(_ path: String) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
            self = .missing
            return
        }
        switch attributes[.type] as? FileAttributeType {
        case .typeRegular: self = .file
        case .typeDirectory: self = .folder
        default: self = .other
        }
    }
}
