// swift-tools-version: 6.2
// poddump: capture from Kubernetes pods, in Wireshark and on the command line.
// The picture of these targets, and why the arrows point the way they do, is in DESIGN.md.
import PackageDescription

let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
  name: "poddump",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "poddump", targets: ["poddump"]),
    .executable(name: "poddump-extcap", targets: ["poddump-extcap"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CPcap", pkgConfig: "libpcap",
      providers: [.apt(["libpcap-dev"]), .brew(["libpcap"])]),
    .systemLibrary(
      name: "CSSH2", pkgConfig: "libssh2",
      providers: [.apt(["libssh2-1-dev"]), .brew(["libssh2"])]),
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    .target(name: "CShim"),
    .target(
      name: "Base",
      dependencies: [
        "CShim", subprocess, .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: house),
    .target(name: "Packets", dependencies: ["Base", "CPcap", "CShim"], swiftSettings: house),
    .target(name: "SSH", dependencies: ["Base", "CCrypto", "CSSH2"], swiftSettings: house),
    .target(name: "Cluster", dependencies: ["Base"], swiftSettings: house),
    .target(name: "Extcap", swiftSettings: house),
    .target(
      name: "Broker", dependencies: ["Base", "Cluster", "SSH", "Packets"], swiftSettings: house),
    .executableTarget(
      name: "poddump",
      dependencies: [
        "Base", "Broker", "Cluster", "Extcap", "Packets", "SSH", "TOMLKit",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house),
    .executableTarget(
      name: "poddump-extcap", dependencies: ["Extcap"], path: "extcap", swiftSettings: house,
      // Without a dynamic linker its start costs a tenth; it asks no name service, and opens no library.
      linkerSettings: [
        .unsafeFlags(["-static-executable"], .when(platforms: [.linux], configuration: .release))
      ]),
    .executableTarget(
      name: "packets-benchmark", dependencies: ["Base", "Broker", "Cluster", "Packets"],
      path: "Tests/Benchmarks/Packets", swiftSettings: house),
    .target(
      name: "TestSupport", dependencies: ["Base"], path: "Tests/TestSupport", swiftSettings: house),
    .testTarget(
      name: "BaseTests", dependencies: ["Base", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "PacketsTests", dependencies: ["Packets"], resources: [.copy("Data")],
      swiftSettings: house),
    .testTarget(
      name: "ClusterTests", dependencies: ["Cluster"], resources: [.copy("Data")],
      swiftSettings: house),
    .testTarget(
      name: "ExtcapTests", dependencies: ["Extcap", "poddump-extcap"],
      resources: [.copy("Golden")], swiftSettings: house),
    .testTarget(
      name: "SSHTests", dependencies: ["SSH", "Base", "TestSupport"],
      resources: [.copy("Data"), .copy("Golden")], swiftSettings: house),
    .testTarget(
      name: "BrokerTests",
      dependencies: ["Broker", "Base", "Cluster", "Packets", "SSH", "TestSupport"],
      resources: [.copy("Data"), .copy("Golden")], swiftSettings: house),
    .testTarget(
      name: "PoddumpTests",
      dependencies: [
        "poddump", "poddump-extcap", "Base", "Broker", "Cluster", "Extcap", "Packets", "SSH",
        "TestSupport", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      resources: [.copy("Data"), .copy("Golden")], swiftSettings: house),
  ]
)
