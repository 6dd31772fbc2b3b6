// swift-tools-version: 6.2
// Benchmarks: each a ratio inside one run or an instruction count, beside its limit. Run by `make bench`.
import PackageDescription

let package = Package(
  name: "Benchmarks",
  targets: [.executableTarget(name: "benchmarks")]
)
