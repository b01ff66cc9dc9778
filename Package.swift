// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every target. `Lifetimes` is what lets a view of a block
/// be a type of its own; no other experimental feature is used.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func system(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let package = Package(
    name: "treelog",
    products: [
        .library(name: "TreeLog", targets: ["TreeLog"]),
        .library(name: "TreeLogLua", targets: ["TreeLogLua"]),
        .executable(name: "treelog", targets: ["treelog"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
    ],
    targets: [
        // Checksums and compression, from Debian.
        system("CISAL", "libisal", "libisal-dev"),
        system("CSodium", "libsodium", "libsodium-dev"),
        system("CXXHash", "libxxhash", "libxxhash-dev"),
        system("CZlib", "zlib", "zlib1g-dev"),
        system("CZstd", "libzstd", "libzstd-dev"),
        system("CLZO", "lzo2", "liblzo2-dev"),

        // Lua, and the only code that includes its header.
        system("CLua", "lua5.4", "liblua5.4-dev"),
        .target(
            name: "CLuaHost", dependencies: ["CLua"],
            cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),
        library("LuaRuntime", ["CLuaHost"]),

        library("BlockDevices", ["CISAL"]),
        library("BtrfsFormat", ["CISAL", "CSodium", "CXXHash"]),
        library("BtrfsVolume", ["BlockDevices", "BtrfsFormat", "CSodium", "CZlib", "CZstd", "CLZO"]),
        library("TreeLog", ["BlockDevices", "BtrfsFormat", "BtrfsVolume"]),
        library("TreeLogLua", ["BlockDevices", "BtrfsFormat", "BtrfsVolume", "LuaRuntime", "TreeLog"]),
        library(
            "TreeLogCommand",
            [
                "BlockDevices", "BtrfsFormat", "BtrfsVolume", "LuaRuntime", "TreeLog", "TreeLogLua",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(name: "treelog", dependencies: ["TreeLogCommand"], swiftSettings: swiftSettings),

        // What judges treelog in the tests: the kernel and btrfs-progs.
        .systemLibrary(name: "CKernelOracle", path: "Tests/CKernelOracle"),
        .target(
            name: "KernelOracle", dependencies: ["CKernelOracle", "CSodium"],
            path: "Tests/KernelOracle", swiftSettings: swiftSettings),
        .target(
            name: "TestSupport",
            dependencies: ["BlockDevices", "BtrfsFormat", "BtrfsVolume", "CZstd", "KernelOracle"],
            path: "Tests/TestSupport", swiftSettings: swiftSettings),
        // Images of the corpus changed so that they lie, for tests and for `Scripts/fuzz`.
        .target(
            name: "HostileImages",
            dependencies: ["BlockDevices", "BtrfsFormat", "BtrfsVolume", "TestSupport", "TreeLog"],
            path: "Tests/HostileImages", swiftSettings: swiftSettings),
        .executableTarget(
            name: "treelog-bench-fsync", dependencies: ["BlockDevices", "BtrfsVolume", "TreeLog"],
            path: "Benchmarks/Fsync", swiftSettings: swiftSettings),
        .executableTarget(
            name: "item-store", dependencies: ["BlockDevices", "BtrfsFormat", "BtrfsVolume", "TreeLog"],
            path: "Examples/ItemStore", swiftSettings: swiftSettings),
        .executableTarget(
            name: "treelog-fuzz",
            dependencies: [
                "BlockDevices", "HostileImages", "KernelOracle", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Fuzz", swiftSettings: swiftSettings),
        tests("BlockDevicesTests", ["BlockDevices", "TestSupport"]),
        tests("BtrfsFormatTests", ["BlockDevices", "BtrfsFormat", "TestSupport"]),
        tests("BtrfsVolumeTests", ["BlockDevices", "BtrfsFormat", "BtrfsVolume", "TestSupport", "KernelOracle"]),
        tests(
            "TreeLogTests",
            [
                "BlockDevices", "BtrfsFormat", "BtrfsVolume", "HostileImages", "TreeLog", "TestSupport", "KernelOracle",
            ]),
        tests("PublicAPITests", ["BlockDevices", "BtrfsFormat", "BtrfsVolume", "TreeLog", "TestSupport"]),
        tests(
            "TreeLogCommandTests",
            ["BlockDevices", "BtrfsFormat", "BtrfsVolume", "TestSupport", "KernelOracle", "treelog"]),
        tests("LuaRuntimeTests", ["LuaRuntime"]),
        tests(
            "TreeLogLuaTests",
            [
                "BlockDevices", "BtrfsFormat", "BtrfsVolume", "LuaRuntime", "TreeLog", "TreeLogLua", "TestSupport",
                "KernelOracle",
            ]),
        tests("HouseRulesTests", ["TestSupport"]),
        tests("TestSupportTests", ["BlockDevices", "KernelOracle", "TestSupport"]),
        tests("KernelOracleTests", ["KernelOracle", "TestSupport"]),
    ]
)

// The bridge to Lua and its tests, and nothing else: Scripts/test runs them under the address sanitizer.
if Context.environment["TREELOG_LUA_ONLY"] != nil {
    package.products = []
    package.dependencies = []
    package.targets.removeAll { !["CLua", "CLuaHost", "LuaRuntime", "LuaRuntimeTests"].contains($0.name) }
}

// Many writers at once, and nothing else: Scripts/test runs them under the thread sanitizer.
if Context.environment["TREELOG_THREADS_ONLY"] != nil {
    let used = [
        "CISAL", "CSodium", "CXXHash", "CZlib", "CZstd", "CLZO", "BlockDevices", "BtrfsFormat", "BtrfsVolume", "TreeLog",
    ]
    package.products = []
    package.dependencies = []
    package.targets.removeAll { !used.contains($0.name) }
    let program = Target.executableTarget(
        name: "many-writers", dependencies: ["BlockDevices", "BtrfsVolume", "TreeLog"],
        path: "Tests/ThreadSanitizer/ManyWriters", swiftSettings: swiftSettings)
    package.targets.append(program)
    // In the place of the module of the standard library.
    for target in package.targets where target.type != .system { target.dependencies.append("Synchronization") }
    package.targets.append(
        .target(
            name: "Synchronization", path: "Tests/ThreadSanitizer/Synchronization", swiftSettings: swiftSettings))
}
