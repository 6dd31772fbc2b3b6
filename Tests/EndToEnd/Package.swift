// swift-tools-version: 6.2
// End-to-end tests: the built poddump against the lab, by real kubectl, tcpdump and tshark.
// A package of its own, so that `swift test` at the top needs neither root nor the lab.
import PackageDescription

let package = Package(
  name: "EndToEnd",
  targets: [.testTarget(name: "EndToEndTests", exclude: ["Golden"])]
)
