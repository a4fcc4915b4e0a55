// swift-tools-version: 6.2
import PackageDescription

// The rooms, in the order in which they may know each other: a target imports only targets above it (ARCHITECTURE.md).
let package = Package(
    name: "obs",
    products: [
        .executable(name: "obs", targets: ["obs"]),
        // For tests that give a real process a failing disk (LD_PRELOAD).
        .library(name: "obs-faults", type: .dynamic, targets: ["CFaults"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.25.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.20.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),
        .systemLibrary(name: "CLzma", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

        // RE2 behind C. Debian's package keeps its header and library where the compiler looks anyway.
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),

        // Lifetimes: its accessors give spans into its buffers, which Swift 6.2 and 6.3 have behind this name.
        .target(name: "Columns", dependencies: ["CRE2"], swiftSettings: [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "Telemetry", dependencies: ["Columns", .log, .metrics]),
        .target(name: "Transfer", dependencies: ["Columns", "CCurl", "CLinux"]),
        .target(name: "Store", dependencies: ["Columns", "CZlib", .crypto, .cryptoExtras, .grdb]),
        .target(name: "Access", dependencies: ["Columns", "Transfer", "Store", .crypto, .cryptoExtras, .grdb, .jwt]),
        .target(name: "Parsing", dependencies: ["Columns"]),
        .target(name: "Templates", dependencies: ["Columns"]),
        .target(name: "Series", dependencies: ["Columns"]),
        .target(name: "LogQL", dependencies: ["Columns"]),
        .target(name: "Lake", dependencies: ["Columns", "CZlib", "CZstd", .crypto]),
        .target(name: "LakeSQL", dependencies: ["Columns", "Lake", "CSQLite"]),
        .target(
            name: "Ingest",
            dependencies: [
                "Columns", "Transfer", "Parsing", "Telemetry", "CBzip2", "CLinux", "CLzma", "CZlib", "CZstd", .crypto, .log,
                .grdb, .nio,
                .nioPosix, .nioSSL,
            ]),
        .target(
            name: "Streaming",
            dependencies: [
                "Columns", "Store", "Parsing", "Templates", "Series", "Lake", "Ingest", "Telemetry", "CZlib", .grdb, .log,
                .lifecycle,
            ]),
        .target(name: "Detection", dependencies: ["Columns", "Store", "Series", .crypto, .grdb]),
        .target(name: "Notify", dependencies: ["Columns", "Transfer", "CCurl", .crypto, .mustache]),
        .target(name: "Incidents", dependencies: ["Columns", "Store", "Detection", .grdb]),
        .target(
            name: "Alerting",
            dependencies: [
                "Columns", "Store", "Detection", "Incidents", "Telemetry", "Notify", .crypto, .grdb, .log, .lifecycle,
            ]),
        .target(
            name: "Query",
            dependencies: [
                "Columns", "Store", "Templates", "LogQL", "Lake", "LakeSQL", "Detection", "Incidents", "Alerting", "CSQLite",
                .grdb,
                .sqlite,
            ]),
        .target(name: "Simulation", dependencies: ["Columns"]),
        .target(
            name: "Server",
            dependencies: [
                "Columns", "Telemetry", "Store", "Access", "Lake", "Ingest", "Detection", "Notify", "Incidents", "Alerting",
                "LogQL",
                "Query",
                .crypto, .hummingbird, .hummingbirdCore, .log, .lifecycle, .httpTypes, .nio, .nioPosix, .nioTLS, .nioHTTPTypes,
                .nioSSL,
            ]),
        .target(
            name: "Configuration",
            dependencies: [
                "Columns", "Parsing", "Lake", "Ingest", "Streaming", "Detection", "Notify", "Incidents", "Alerting", "Query",
                "Server",
                .yams, .log,
            ]),
        .target(
            name: "Jobs",
            dependencies: [
                "Telemetry", "Columns", "Transfer", "Store", "Access", "Parsing", "Series", "Lake", "Ingest", "Streaming",
                "Detection", "Incidents", "Alerting", "Query", "Simulation", "Configuration", "CLinux", .crypto, .log, .lifecycle,
                .grdb,
            ]),
        .target(
            name: "Daemon",
            dependencies: [
                "Telemetry", "Columns", "Store", "Parsing", "Lake", "Ingest", "Streaming", "Detection", "Notify",
                "Incidents", "Alerting",
                "Query", "Server", "Configuration", "Jobs", .log, .lifecycle, .signals, .httpTypes,
            ]),
        .executableTarget(
            name: "obs",
            dependencies: [
                "Columns", "Telemetry", "Store", "Access", "Parsing", "Templates", "Lake", "Ingest", "Streaming", "Incidents",
                "Alerting", "Query", "Simulation", "Configuration", "Jobs", "Daemon", .argumentParser, .log, .lifecycle, .signals,
            ]),

        // Calls to the system that fail when a test says so, in the tests themselves and in a real obs.
        .target(name: "CFaults", path: "Tests/Faults", linkerSettings: [.linkedLibrary("dl")]),
        // What tests of several rooms need: folders, ports, other programs, failing disks. It knows no room.
        .target(name: "TestSupport", dependencies: ["CFaults", "CLinux", .crypto, .cryptoExtras], path: "Tests/TestSupport"),
        // Ways in for bytes from outside, for the tests and for libFuzzer (`make fuzz`).
        .target(
            name: "Fuzzing",
            dependencies: ["Columns", "Parsing", "LogQL", "Ingest", "Lake", "Streaming", "Configuration"],
            path: "Tests/Fuzzing", exclude: ["Findings"]),
        .testTarget(name: "FuzzingTests", dependencies: ["Fuzzing", "Columns", "TestSupport"]),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry", .log, .metrics, "TestSupport"]),
        .testTarget(
            name: "AccessTests", dependencies: ["Access", "Columns", "Store", .crypto, .cryptoExtras, .grdb, "TestSupport"]),
        .testTarget(name: "ColumnsTests", dependencies: ["Columns", "TestSupport"]),
        .testTarget(name: "TransferTests", dependencies: ["Transfer", "CCurl", "TestSupport"]),
        .testTarget(name: "ParsingTests", dependencies: ["Parsing", "Columns", "TestSupport"]),
        .testTarget(name: "LakeSQLTests", dependencies: ["LakeSQL", "Columns", "Lake", "CSQLite", "TestSupport"]),
        .testTarget(name: "TemplatesTests", dependencies: ["Templates", "Columns", "TestSupport"]),
        .testTarget(name: "LogQLTests", dependencies: ["LogQL", "Columns", "TestSupport"]),
        .testTarget(name: "SeriesTests", dependencies: ["Series", "Columns"]),
        .testTarget(name: "LakeTests", dependencies: ["Lake", "Columns", "lake-torture", "TestSupport"], exclude: ["Peers"]),
        .executableTarget(name: "rules-bench", dependencies: ["Detection", "Columns"], path: "Benchmarks/Detection"),
        .executableTarget(
            name: "rows-bench", dependencies: ["Detection", "Columns"], path: "Benchmarks/Rows", exclude: ["compare.py"]),
        .executableTarget(
            name: "lake-bench", dependencies: ["Lake", "Columns"], path: "Benchmarks/Lake", exclude: ["compare.py"]),
        .executableTarget(
            name: "incidents-bench", dependencies: ["Jobs", "Incidents", "Alerting", "Detection", "Columns", "Store", .grdb],
            path: "Benchmarks/Incidents", exclude: ["questions.py"]),
        // A process for the tests of the lake to run beside others and to kill.
        .executableTarget(name: "lake-torture", dependencies: ["Lake", "Columns"], path: "Tests/LakeTorture"),
        .testTarget(
            name: "IngestTests", dependencies: ["Ingest", "Columns", "Parsing", "Telemetry", .grdb, .log, "TestSupport"]),
        .testTarget(
            name: "StreamingTests",
            dependencies: [
                "Streaming", "Columns", "Parsing", "Templates", "Ingest", "Lake", "Store", "Telemetry", .log, .lifecycle,
                "TestSupport",
            ],
            exclude: ["Peers"]),
        .testTarget(
            name: "DetectionTests", dependencies: ["Detection", "Store", "Columns", "TestSupport"], exclude: ["Golden"]),
        .testTarget(name: "StoreTests", dependencies: ["Store", "Columns", .grdb, "TestSupport"]),
        .testTarget(
            name: "NotifyTests",
            dependencies: ["Notify", "Columns", "Transfer", "Incidents", "Alerting", "Configuration", "TestSupport"],
            exclude: ["Golden", "Peers"]),
        .testTarget(
            name: "IncidentsTests", dependencies: ["Incidents", "Store", "Detection", "Columns", .grdb, "TestSupport"]),
        .testTarget(
            name: "AlertingTests",
            dependencies: [
                "Alerting", "Incidents", "Notify", "Store", "Telemetry", "Detection", "Columns", "Configuration", .log, .grdb,
                "TestSupport",
            ],
            exclude: ["Peers"]),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Columns"]),
        .testTarget(name: "HouseTests", dependencies: [.yams, "TestSupport"]),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "obs", "Daemon", "Query", "Alerting", "Incidents", "Detection", "Templates", "Lake", "Store", "Columns",
                .argumentParser, "TestSupport",
            ],
            exclude: ["Golden"]),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "obs", "Access", "Daemon", "Configuration", "Server", "Store", "Telemetry", "Simulation", "Streaming", "Lake",
                "Ingest", "Columns",
                .lifecycle, .log,
                .grdb, .httpTypes, "TestSupport",
            ],
            exclude: ["Alerting/Sessions", "Peers"]),
        .testTarget(
            name: "QueryTests",
            dependencies: [
                "Query", "Alerting", "Incidents", "Detection", "Templates", "LogQL", "Lake", "Store", "Streaming", "Columns",
                .grdb, "TestSupport",
            ]),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Server", "Access", "Alerting", "Incidents", "Notify", "Query", "Detection", "Lake", "Store", "Columns",
                "Telemetry",
                "Ingest", .log, .lifecycle, .httpTypes, .nio, .grdb, "TestSupport",
            ]),
        .testTarget(
            name: "ConfigurationTests",
            dependencies: [
                "Configuration", "Incidents", "Alerting", "Notify", "Columns", "Parsing", "Ingest", "Detection", "Simulation",
                "Streaming", "TestSupport",
            ]),
        .testTarget(
            name: "JobsTests",
            dependencies: [
                "Jobs", "Configuration", "Alerting", "Columns", "Detection", "Incidents", "Ingest", "Lake", "LakeSQL", "Parsing",
                "Query", "Simulation",
                "Store", "Streaming", "Telemetry", .grdb, .log, "TestSupport",
            ], exclude: ["Peers"]),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "Daemon", "Jobs", "Configuration", "Columns", "Parsing", "Templates", "LogQL", "Ingest", "Lake", "Detection",
                "Notify",
                "Incidents", "Alerting", "Query", "Server", "Store", "Streaming", "Telemetry", .log, .lifecycle, .nio,
                "TestSupport",
            ]),
    ],
    cxxLanguageStandard: .cxx17
)

// The fuzzer links only with libFuzzer, so that it is there for `make fuzz` alone.
if Context.environment["OBS_FUZZ"] != nil {
    package.targets += [
        .executableTarget(name: "obs-fuzz", dependencies: ["Fuzzing"], path: "Tests/Fuzzer")
    ]
}

extension Target.Dependency {
    static let jwt = Self.product(name: "JWTKit", package: "jwt-kit")
    static let argumentParser = Self.product(name: "ArgumentParser", package: "swift-argument-parser")
    static let crypto = Self.product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = Self.product(name: "CryptoExtras", package: "swift-crypto")
    static let mustache = Self.product(name: "Mustache", package: "swift-mustache")
    static let log = Self.product(name: "Logging", package: "swift-log")
    static let metrics = Self.product(name: "CoreMetrics", package: "swift-metrics")
    static let nio = Self.product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = Self.product(name: "NIOPosix", package: "swift-nio")
    static let nioTLS = Self.product(name: "NIOTLS", package: "swift-nio")
    static let nioSSL = Self.product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioHTTPTypes = Self.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let httpTypes = Self.product(name: "HTTPTypes", package: "swift-http-types")
    static let grdb = Self.product(name: "GRDB", package: "GRDB.swift")
    static let sqlite = Self.product(name: "GRDBSQLite", package: "GRDB.swift")
    // Hummingbird brings a module of the name of our room.
    static let hummingbird = Self.product(
        name: "Hummingbird", package: "hummingbird", moduleAliases: ["Configuration": "SwiftConfiguration"])
    static let hummingbirdCore = Self.product(
        name: "HummingbirdCore", package: "hummingbird", moduleAliases: ["Configuration": "SwiftConfiguration"])
    static let yams = Self.product(name: "Yams", package: "Yams")
    static let signals = Self.product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let lifecycle = Self.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
}

// A file imports each module whose members it uses. So what a room knows is written at the head of its files, where HouseTests hold it
// against the lists above, and an import that goes away in one file cannot break another.
for target in package.targets where ![.system, .plugin, .binary].contains(target.type) && target.name != "CRE2" {
    target.swiftSettings = (target.swiftSettings ?? []) + [.enableUpcomingFeature("MemberImportVisibility")]
    // OBS_STRICT=1, with which `make lint`, `make test` and the CI build: a warning is an error, but for what a newer compiler or library
    // calls deprecated. `make build` and a package that builds obs go without it, because a compiler that is newer than ours must not stop
    // a user's build by a warning that did not exist when the code was written.
    if Context.environment["OBS_STRICT"] != nil {
        target.swiftSettings? += [.treatAllWarnings(as: .error), .treatWarning("DeprecatedDeclaration", as: .warning)]
    }
}
