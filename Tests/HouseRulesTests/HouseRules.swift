import TestSupport

/// The rules that the sources of this package keep, and the exceptions.
enum HouseRules {
    static let columns = 120
    /// Tests hold scripts and tables of what is printed.
    static let testColumns = 140
    static let functionLines = 70
    static let fileLines = 400

    enum Rule {
        case lineLength, fileLength, functionLength
        /// What ends the program at a surprise: forced tries, casts and unwraps.
        case noForce
        /// What only one file of a module may say.
        case memorySafety
        /// What only the command may do.
        case output
        /// Words that say a thing is not finished.
        case unfinished
        /// Paths of the machine it was written on, and how it was written.
        case origin
        case imports
        /// Documentation of what is public.
        case documentation
        case architecture
    }

    /// The files, or folders when it ends in a slash, to which a rule does not apply.
    static let exceptions: [(rule: Rule, path: String)] = [
        (.memorySafety, "Sources/BlockDevices/Syscalls.swift"),
        (.memorySafety, "Sources/BtrfsFormat/Bytes.swift"),
        (.memorySafety, "Sources/BtrfsFormat/Checksum.swift"),
        (.memorySafety, "Sources/BtrfsVolume/Memory.swift"),
        (.memorySafety, "Sources/BtrfsVolume/Files/Compression.swift"),
        (.memorySafety, "Sources/LuaRuntime/Host.swift"),
        (.memorySafety, "Sources/LuaRuntime/HostValues.swift"),
        (.memorySafety, "Sources/TreeLogLua/Machine/ContextSlot.swift"),
        (.memorySafety, "Tests/KernelOracle/Syscalls.swift"), (.memorySafety, "Tests/KernelOracle/MountedWork.swift"),
        (.memorySafety, "Tests/TestSupport/Decompression.swift"),
        (.memorySafety, "Tests/TestSupport/StepExecutor.swift"),
        (.memorySafety, "Tests/ThreadSanitizer/Synchronization/Mutex.swift"),
        (.output, "Sources/TreeLogCommand/"),
        // They name what they look for.
        (.unfinished, "Tests/HouseRulesTests/"),
        (.origin, "Tests/HouseRulesTests/"),
    ]

    /// What each module may import: only modules above it, and what it needs of the system and of other
    /// packages.
    static let imports: [String: Set<String>] = [
        "LuaRuntime": ["CLuaHost"],
        "BlockDevices": ["CISAL", "Glibc"],
        "BtrfsFormat": ["CISAL", "CSodium", "CXXHash", "Glibc"],
        "BtrfsVolume": ["BlockDevices", "BtrfsFormat", "CLZO", "CSodium", "CZlib", "CZstd", "Dispatch", "Glibc"],
        "TreeLog": ["BlockDevices", "BtrfsFormat", "BtrfsVolume"],
        "TreeLogLua": [
            "BlockDevices", "BtrfsFormat", "BtrfsVolume", "FoundationEssentials", "LuaRuntime", "TreeLog",
        ],
        "TreeLogCommand": [
            "ArgumentParser", "BlockDevices", "BtrfsFormat", "BtrfsVolume", "FoundationEssentials",
            "LuaRuntime", "TreeLog", "TreeLogLua",
        ],
        "treelog": ["TreeLogCommand"],
    ]

    /// Parts of the standard library that every module may import.
    static let standardModules: Set<String> = ["Swift", "Synchronization"]

    /// Foundation is large and starts slowly: the tests that read folders and run programs may have it.
    static let foundationUsers = [
        "Tests/KernelOracle/", "Tests/KernelOracleTests/", "Tests/TestSupport/", "Tests/TreeLogLuaTests/",
        "Tests/TreeLogCommandTests/PluginCommandTests.swift", "Tests/TreeLogCommandTests/RunTests.swift",
        // Folders and environment, from the small half of it.
        "Sources/TreeLogLua/Loading/PluginSource.swift", "Sources/TreeLogLua/Testing/TestImage.swift",
        "Sources/TreeLogCommand/Verbs/Plugin/", "Sources/TreeLogCommand/Verbs/Run.swift",
        "Sources/TreeLogCommand/Volume/PluginOptions.swift",
    ]

    static let unfinishedWords: Set<String> = ["TODO", "FIXME", "XXX"]
    static let unfinishedPhrases = ["for now", "placeholder"]
    static let originPhrases = ["/work/", "/tmp/treelog"]
    static let originWords: Set<String> = ["issue", "issues"]

    static func isExcepted(_ path: String, from rule: Rule) -> Bool {
        exceptions.contains { exception in
            let isFolder = exception.path.hasSuffix("/")
            return exception.rule == rule
                && (isFolder ? path.hasPrefix(exception.path) : path == exception.path)
        }
    }
}

/// What breaks a rule, and where.
struct Violation: Equatable, CustomStringConvertible {
    let path: String
    /// From 1; 0 stands for the file as a whole.
    let line: Int
    let text: String

    var description: String { "\(path):\(line): \(text)" }
}
