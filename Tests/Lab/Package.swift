// swift-tools-version: 6.2
import PackageDescription

let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// The lab is a package of its own, so that whoever packages poddump never fetches SwiftNIO.
let package = Package(
  name: "Lab",
  products: [.executable(name: "lab-api", targets: ["lab-api"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
  ],
  targets: [
    .target(name: "CSpawn"),
    .target(
      name: "LabAPI",
      dependencies: [
        "CSpawn",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: house),
    .executableTarget(name: "lab-api", dependencies: ["LabAPI"], swiftSettings: house),
    .testTarget(
      name: "LabAPITests",
      dependencies: [
        "LabAPI", "lab-api",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      resources: [.copy("Recordings")],
      swiftSettings: house),
  ])
