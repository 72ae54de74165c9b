// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is built in Swift 6 language mode, and a warning is an error.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func process(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
    name: "routing-sidecar",
    products: [
        .executable(name: "routing-sidecar", targets: ["Supervisor"]),
        .executable(name: "routing-sidecar-dialer", targets: ["Dialer"]),
        .executable(name: "routing-sidecar-proxy", targets: ["Proxy"]),
        .executable(name: "routing-sidecar-resolver", targets: ["Resolver"]),
        .executable(name: "routing-sidecar-watcher", targets: ["Watcher"]),
        .executable(name: "routing-sidecar-signer", targets: ["Signer"]),
        .executable(name: "routing-sidecar-kv-agent", targets: ["KVAgent"]),
        .executable(name: "routing-sidecar-probe", targets: ["Probe"]),
        .executable(name: "simulated-engine", targets: ["SimulatedEngine"]),
        .executable(name: "routing-sidecar-demo", targets: ["Demo"]),
    ],
    targets: [
        // The kernel's interface: C for variadics, macros, ancillary data and everything between fork and exec.
        .target(name: "CLinux", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        library("Linux", ["CLinux"]),
        // HTTPS for the watcher, and for nobody else.
        .target(
            name: "CCurl", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("curl")]),

        // TLS for the proxy; it has no function that takes a private key. What does is CSigner, which only the signer
        // links.
        .target(
            name: "COpenSSL", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(
            name: "CSigner", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("crypto")]),
        // UCX for the KV agent, and for nobody else.
        .target(
            name: "CUCX", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("ucp"), .linkedLibrary("ucs")]),

        // What the processes share.
        library("IPC", ["Linux", "CLinux"]),
        library("Metrics", ["Linux", "CLinux", "IPC"]),
        library("Configuration", ["IPC"]),
        library("Allowlist", ["Linux", "CLinux"]),
        library("Sandbox", ["Linux", "CLinux", "IPC"]),
        library("TLS", ["Linux", "IPC", "COpenSSL"]),
        library("HTTP"),
        library("JSON"),
        library("Admin", ["Linux", "CLinux", "IPC", "Metrics", "HTTP", "Sandbox"]),

        // What `routing-sidecar audit` reads, tries and prints.
        library("Audit", ["Linux", "CLinux", "CArena", "IPC", "Sandbox", "Allowlist", "Metrics"]),
        .target(name: "CArena", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .target(name: "CProbe", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),

        // One executable per privilege level.
        process("Supervisor", ["Linux", "CLinux", "IPC", "Metrics", "Configuration", "Allowlist", "Sandbox", "Audit"]),
        process("Dialer", ["Linux", "CLinux", "IPC", "Metrics", "Allowlist", "Sandbox"]),
        process("Resolver", ["Linux", "CLinux", "IPC", "Sandbox"]),
        process("Watcher", ["Linux", "CLinux", "CCurl", "IPC", "Metrics", "JSON", "Allowlist", "Sandbox"]),
        process(
            "Proxy",
            ["Linux", "CLinux", "IPC", "Metrics", "HTTP", "JSON", "TLS", "Admin", "Allowlist", "Sandbox"]),
        process("KVAgent", ["Linux", "CLinux", "CUCX", "IPC", "Metrics", "Allowlist", "Sandbox"]),
        process("Signer", ["Linux", "CLinux", "CSigner", "IPC", "Sandbox"]),

        process("Probe", ["CProbe", "Linux", "CLinux", "IPC", "Sandbox"]),

        // For trying the sidecar out; not part of an installation.
        process("SimulatedEngine", []),
        process("Demo", []),

        // For the tests in Tests/TLS: the TLS library and the signer without a proxy, and what they are compared with.
        .target(
            name: "TLSLocalKey", path: "Tests/TLSLocalKey", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .executableTarget(
            name: "TLSProbe", dependencies: ["TLS", "TLSLocalKey", "IPC", "Linux", "CLinux", "Sandbox"],
            path: "Tests/TLSProbe", swiftSettings: strict),

        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        tests("AllowlistTests", ["Allowlist", "Linux", "CLinux", "TestSupport"]),
        tests("AuditTests", ["Audit", "Sandbox", "IPC", "Linux", "CLinux"]),
        tests("ConfigurationTests", ["Configuration", "IPC", "TestSupport"]),
        tests("HTTPTests", ["HTTP", "TestSupport"]),
        tests("JSONTests", ["JSON", "TestSupport"]),
        tests("ResolverTests", ["Resolver", "IPC", "Linux", "CLinux"]),
        tests("DialerTests", ["Dialer", "IPC", "Linux", "CLinux", "Allowlist", "TestSupport"]),
        tests("WatcherTests", ["Watcher", "CCurl", "IPC", "Linux", "CLinux", "JSON", "Allowlist"]),
        tests("KVAgentTests", ["KVAgent", "CUCX", "IPC", "Linux", "CLinux", "Allowlist"]),
        tests("TLSTests", ["TLS", "Signer", "COpenSSL", "CSigner", "IPC", "Linux", "CLinux"]),
        tests("IPCTests", ["IPC", "Linux", "CLinux", "TestSupport"]),
        tests("SandboxTests", ["Sandbox", "IPC", "CLinux", "TestSupport"]),
        tests("MetricsTests", ["Metrics", "Linux", "CLinux"]),
        tests("ProxyTests", ["Proxy", "HTTP", "IPC", "Linux", "CLinux", "JSON", "Metrics", "TestSupport"]),
        tests(
            "SupervisorTests",
            ["Supervisor", "IPC", "Linux", "CLinux", "Configuration", "JSON", "Metrics", "Allowlist", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
