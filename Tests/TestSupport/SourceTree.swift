internal import Foundation

/// The files of this package as text, for tests of the text itself.
public enum SourceTree {
    /// The paths, relative to the root of the package and sorted, of all files below a folder. Fixtures and
    /// hidden files are left out.
    public static func files(under folder: String) -> [String] {
        let root = Fixtures.packageRoot + "/" + folder
        let walk = FileManager.default.enumerator(atPath: root)
        var paths: [String] = []
        while let path = walk?.nextObject() as? String {
            let isHidden = path.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__pycache__" }
            let isFile = walk?.fileAttributes?[.type] as? FileAttributeType == .typeRegular
            guard isFile, !isHidden, !path.hasPrefix("Fixtures/") else { continue }
            paths.append(folder + "/" + path)
        }
        return paths.sorted()
    }

    /// The content of a file, nil when there is none or it is no text.
    public static func text(of path: String) -> String? {
        try? String(contentsOfFile: Fixtures.packageRoot + "/" + path, encoding: .utf8)
    }
}
