internal import Foundation
internal import KernelOracle

/// The crash images of `Tests/Fixtures`.
public enum Corpus {
    /// The images of the corpus in the order of its manifest.
    public static let images: [CorpusImage] = required { try manifestImages() }

    /// The images whose log stops the kernel.
    public static let hazards: [CorpusImage] = required { try hazardImages() }

    /// The volume that grew out of a seed.
    public static let grown = CorpusImage(
        name: "grown", kind: .grown,
        summary: "Files of a seed are overwritten, linked and made on a second device.", variant: "default",
        files: ["grown.0.img.zst", "grown.1.img.zst"].map { CorpusImage.DeviceFile(name: $0, sha256: nil) },
        generation: 20, logItems: [:], notCompared: [], folder: Fixtures.folder + "/seed")

    /// All of them.
    public static let all = images + hazards + [grown]

    /// The image of the corpus with this name.
    public static func image(named name: String) throws -> CorpusImage {
        guard let image = all.first(where: { $0.name == name }) else {
            throw FixtureError(description: "there is no image '\(name)' in Tests/Fixtures")
        }
        return image
    }

    /// A list of test arguments cannot throw; an empty one would let all tests pass.
    private static func required(_ images: () throws -> [CorpusImage]) -> [CorpusImage] {
        do {
            return try images()
        } catch {
            preconditionFailure("Tests/Fixtures cannot be read: \(error)")
        }
    }

    private static func manifestImages() throws -> [CorpusImage] {
        let folder = Fixtures.folder + "/corpus"
        let manifest = try JSONValue(parsing: try Fixtures.bytes(of: folder + "/manifest.json"))
        return try (manifest["images"]?.elements ?? []).map { entry in
            guard let name = entry["name"]?.string, let files = entry["images"]?.elements,
                let kind = entry["kind"]?.string.flatMap(CorpusImage.Kind.init)
            else { throw FixtureError(description: "an entry of the manifest has no name, kind or images") }
            return CorpusImage(
                name: name, kind: kind,
                summary: entry["description"]?.string ?? "",
                variant: entry["variant"]?.string ?? "default",
                files: try files.map(deviceFile),
                generation: entry["generation"]?.integer.map { UInt64($0) },
                logItems: (entry["log"]?["items"]?.members ?? [:]).compactMapValues { count in
                    count.integer.map { Int($0) }
                },
                notCompared: (entry["not_compared"]?.elements ?? []).compactMap(\.string),
                folder: folder)
        }
    }

    private static func deviceFile(_ entry: JSONValue) throws -> CorpusImage.DeviceFile {
        guard let name = entry["file"]?.string else {
            throw FixtureError(description: "an image in the manifest has no file")
        }
        return CorpusImage.DeviceFile(name: name, sha256: entry["image_sha256"]?.string)
    }

    /// Those have no manifest.
    private static func hazardImages() throws -> [CorpusImage] {
        let folder = Fixtures.folder + "/hazard"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        return files.filter { $0.hasSuffix(".img.zst") }.sorted().map { file in
            CorpusImage(
                name: file.replacing(".img.zst", with: ""), kind: .hazard,
                summary: "Linux stops with a BUG when it replays this log.", variant: "default",
                files: [CorpusImage.DeviceFile(name: file, sha256: nil)],
                generation: nil, logItems: [:], notCompared: [], folder: folder)
        }
    }
}
