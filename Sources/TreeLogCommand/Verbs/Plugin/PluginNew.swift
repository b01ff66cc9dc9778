internal import ArgumentParser
internal import FoundationEssentials

/// `treelog plugin new`
struct PluginNew: Verb {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Makes the folder of a new plugin, with an item type, a policy and tests that pass.",
        usage: "treelog plugin new [--in <folder>] <name>")

    @Argument(help: ArgumentHelp("Lower case letters, digits and -, beginning with a letter.", valueName: "name"))
    var name: String

    @Option(name: .customLong("in"), help: ArgumentHelp("Where its folder is made.", valueName: "folder"))
    var parent = "."

    @OptionGroup var format: OutputOptions

    func validate() throws {
        let isRight = name.utf8.first.map { (97...122).contains($0) } == true && name.utf8.count <= 64
            && name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        if !isRight { throw ValidationError("'\(name)' is no name: lower case letters, digits and -") }
    }

    func perform(_ console: Console) throws -> Outcome {
        let folder = "\(parent)/\(name)"
        guard !FileManager.default.fileExists(atPath: folder) else {
            throw Failure("there is a \(folder) already")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (file, text) in [("plugin.lua", Self.plugin), ("test.lua", Self.test), ("README.md", Self.readme)] {
                let full = text.replacing("@NAME@", with: name).replacing("@ITEM@", with: itemName)
                try Data(full.utf8).write(to: URL(filePath: "\(folder)/\(file)"))
            }
        } catch { throw Failure("\(folder) cannot be written: \(error)") }
        if format.json {
            JSONWriter(console, expandedDepth: 1).document("plugin-new", path: folder)
        } else {
            console.line("\(folder) is there. Its tests: treelog plugin test \(folder)")
        }
        return .done
    }

    /// As item types are called.
    private var itemName: String { name.uppercased().replacing("-", with: "_") }

    private static let plugin = """
        -- What @NAME@ is for, in a sentence or two.
        local u64, bytes = treelog.u64, treelog.bytes

        -- Items with this content under inodes. Key types 97 to 107 are for everyone to take.
        local item
        item = treelog.item_type {
          name = "@ITEM@", kind = 107, optional = true,
          doc = "A text with the version that it has.",
          fields = { u64 "version", bytes "text" { format = "text" } },
          describe = function(i) return ("%s (version %d)"):format(i.text, i.version) end,
          -- The log and the volume have different ones: the later version stands.
          resolve = function(logged, committed)
            return math.ult(logged.version, committed.version) and "keep" or "take"
          end,
        }

        -- Decides what happens in a replay where log and volume disagree; used with --policy @NAME@.
        local policy = treelog.replay_policy {
          name = "@NAME@", base = "mainline",
          doc = "Keeps a file whose name the log gives to another one.",
          resolve = {
            name = function(conflict) return "keep_both", ("%s.%d"):format(conflict.name, conflict.committed.inode) end,
          },
        }

        return treelog.plugin {
          name = "@NAME@", version = "0.1.0", api = 1,
          summary = "What @NAME@ is for.",
          items = { item }, policies = { policy },
        }

        """

    private static let test = """
        return {
          ["the later version stands"] = function(t)
            local old, new = { version = 1, text = "old" }, { version = 2, text = "new" }
            treelog.expect_equal(t:resolve("@ITEM@", new, old), "take")
            treelog.expect_equal(t:resolve("@ITEM@", old, new), "keep")
          end,

          ["a replay brings the later version"] = function(t)
            local v = t:volume()
            v:commit("@ITEM@", 257, 0, { version = 1, text = "old" })
            v:log("@ITEM@", 257, 0, { version = 2, text = "new" })
            v:replay()
            treelog.expect_equal(v:get("@ITEM@", 257, 0).text, "new")
          end,

          ["both files are kept"] = function(t)
            local v = t:volume()                          -- it has one file: "file", inode 257
            v:log_file("file", 300)
            v:replay("@NAME@")
            treelog.expect_equal(v:ls(), { ["file"] = 300, ["file.257"] = 257 })
          end,
        }

        """

    private static let readme = """
        # @NAME@

        What it is for.

            treelog replay disk.img --plugin @NAME@ --policy @NAME@

        Tests: `treelog plugin test @NAME@`.

        """
}

extension JSONWriter {
    fileprivate func document(_ schema: String, path: String) {
        document(schema) { field("path", path) }
    }
}
