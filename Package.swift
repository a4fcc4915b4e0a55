// swift-tools-version: 6.2
import PackageDescription

let package = Package(name: "obs", targets: [
  .target(name: "Columns", swiftSettings: [.enableExperimentalFeature("Lifetimes")]),
  .target(name: "Parsing", dependencies: ["Columns"]),
])
