// swift-tools-version: 6.2
import PackageDescription

// Modules import only along the arrows of docs/Architecture.md; tools/check-imports proves it.

let swift: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let optimised: [CSetting] = [.define("NDEBUG", .when(configuration: .release))]

func module(_ name: String, _ imports: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: imports, swiftSettings: swift)
}

func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: imports + ["TestSupport"], swiftSettings: swift)
}

// Only tools/docs needs it; nobody else fetches it.
let documentation: [Package.Dependency] =
  Context.environment["ANTIPHON_DOCS"] == nil
  ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0")]

let package = Package(
  name: "antiphon",
  products: [
    .library(name: "AntiphonKit", targets: ["AntiphonKit"]),
    .executable(name: "antiphon", targets: ["antiphon"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ] + documentation,
  targets: [
    // C: kernels, and shims over system libraries.
    .target(name: "CKernels", cSettings: optimised),
    .systemLibrary(
      name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
    .systemLibrary(name: "CSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),
    .systemLibrary(name: "CALSA", pkgConfig: "alsa", providers: [.apt(["libasound2-dev"])]),
    .systemLibrary(
      name: "CSpeexDSP", pkgConfig: "speexdsp", providers: [.apt(["libspeexdsp-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CThreads", cSettings: optimised),
    .target(name: "CSentencePiece", linkerSettings: [.linkedLibrary("sentencepiece")]),

    // The ground floor: clock, threads, rings, files, host, generator, JSON.
    module("Base", ["CThreads"]),
    module("Latency", ["Base", .product(name: "Histogram", package: "hdrhistogram-swift")]),

    // The shared core.
    module("Kernels", ["CKernels"]),
    module("Checkpoint", ["Base", "Kernels", "CCrypto"]),
    module("Layers", ["Checkpoint", "Kernels"]),

    // Siblings: sound, codec, dialogue.
    module("AudioIO", ["Base", "CSndfile", "CSoxr", "CALSA", "CSpeexDSP"]),
    module("Codec", ["Layers", "Checkpoint", "Kernels"]),
    module("Dialogue", ["Base", "Layers", "Checkpoint", "Kernels", "CSentencePiece"]),

    // Where sound and model meet, and the command.
    module(
      "Runtime",
      ["Base", "Latency", "AudioIO", "Codec", "Dialogue", "Checkpoint"]),
    module(
      "Measure", ["Base", "Latency", "Runtime", "AudioIO", "Codec", "Dialogue", "Checkpoint", "Kernels"]),
    module("AntiphonKit", ["Base", "AudioIO", "Codec", "Dialogue", "Runtime"]),
    .executableTarget(
      name: "antiphon",
      dependencies: [
        "Base", "Latency", "Measure", "Runtime", "AudioIO", "Codec", "Dialogue", "Checkpoint", "Kernels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swift),

    // The example of docs/Library.md: compiled with everything else, run by a test.
    .executableTarget(
      name: "LibraryExample", dependencies: ["AntiphonKit"], path: "Examples/LibraryExample",
      swiftSettings: swift),

    .target(name: "CTestSupport", path: "Tests/CSupport"),
    .target(
      name: "TestSupport", dependencies: ["Checkpoint", "CTestSupport"], path: "Tests/Support",
      swiftSettings: swift),
    tests("Base", ["Base"]),
    tests("Latency", ["Latency", "Base"]),
    tests("Kernels", ["Kernels", "CKernels"]),
    tests("Checkpoint", ["Checkpoint", "Kernels"]),
    tests("Measure", ["Measure", "Base", "Dialogue"]),
    tests("Layers", ["Layers", "Checkpoint", "Kernels"]),
    tests("Codec", ["Codec", "Checkpoint"]),
    tests("Dialogue", ["Dialogue", "Base", "Measure", "Checkpoint", "Kernels"]),
    tests("AudioIO", ["AudioIO", "Base", "CTestSupport"]),
    tests("Runtime", ["Runtime", "Base", "Latency", "AudioIO", "Codec", "Dialogue"]),
    tests(
      "Command",
      [
        "antiphon", "Base", "Latency", "Measure", "Runtime", "AudioIO", "Checkpoint", "Dialogue",
        "AntiphonKit", "LibraryExample",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "antiphon", "Base", "Latency", "Runtime", "AudioIO", "Codec", "Dialogue", "Checkpoint", "Kernels",
        "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Tests/Fuzz",
      exclude: ["Fuzzer", "corpus", "dictionaries", "leaks.txt"], sources: ["Targets", "Replay"],
      swiftSettings: swift),
  ]
)

// tools/check-sanitized builds some of the tests only, and of everything else what these need.
if let wanted = Context.environment["ANTIPHON_TESTS"]?.split(separator: " ").map(String.init) {
  var needed = Set(wanted)
  var open = wanted
  while let name = open.popLast() {
    for case .byNameItem(let name, _) in package.targets.first(where: { $0.name == name })?.dependencies ?? []
    where needed.insert(name).inserted { open.append(name) }
  }
  package.targets.removeAll { !needed.contains($0.name) }
  package.products = []
}

// What C and C++ leave undefined ends the program: tools/check-sanitized, and tools/fuzz. The types of C++ objects are not
// looked at, as the library behind them was built without.
if Context.environment["ANTIPHON_UBSAN"] != nil {
  let flags = ["-fsanitize=undefined", "-fno-sanitize=vptr", "-fno-sanitize-recover=all"]
  for target in package.targets {
    switch target.name {
    case "CKernels", "CThreads": target.cSettings = (target.cSettings ?? []) + [.unsafeFlags(flags)]
    case "CSentencePiece": target.cxxSettings = [.unsafeFlags(flags)]
    default: break
    }
  }
}

// tools/fuzz: a fuzzer in place of the tests, and the command as a library for it.
if Context.environment["ANTIPHON_FUZZ"] != nil {
  package.targets.removeAll { $0.type == .test || ["LibraryExample", "TestSupport"].contains($0.name) }
  package.products.removeAll { $0.name == "antiphon" }
  for (index, target) in package.targets.enumerated() where target.name == "antiphon" {
    // Its own entry gives way to the fuzzer's.
    let entry = ["-Xfrontend", "-entry-point-function-name", "-Xfrontend", "antiphon_main"]
    package.targets[index] = .target(
      name: target.name, dependencies: target.dependencies, swiftSettings: swift + [.unsafeFlags(entry)])
  }
  for target in package.targets where ["CKernels", "CThreads"].contains(target.name) {
    target.cSettings = (target.cSettings ?? []) + [.unsafeFlags(["-fsanitize=fuzzer-no-link"])]
  }
  package.targets.append(
    .executableTarget(
      name: "Fuzzer",
      dependencies: ["antiphon", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/Fuzz",
      exclude: ["Replay", "corpus", "dictionaries", "leaks.txt"], sources: ["Targets", "Fuzzer"],
      swiftSettings: swift))
}
