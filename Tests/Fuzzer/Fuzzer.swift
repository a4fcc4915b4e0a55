import Foundation
import Fuzzing

// The fuzzer of `make fuzz`. libFuzzer brings `main`, and calls these two; the arguments of the program are its own, so that ours are in
// the environment: OBS_FUZZ_TARGET chooses what is fuzzed, OBS_FUZZ_SEEDS is a folder that its seeds are written to.

private let target = FuzzTarget.all.first { $0.name == ProcessInfo.processInfo.environment["OBS_FUZZ_TARGET"] }

/// Called once. Without a target it lists all and ends, with a folder for seeds it writes them and ends.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutableRawPointer, _ arguments: UnsafeMutableRawPointer) -> CInt {
    guard let target else {
        print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
        exit(ProcessInfo.processInfo.environment["OBS_FUZZ_TARGET"] == nil ? 0 : 2)
    }
    if let folder = ProcessInfo.processInfo.environment["OBS_FUZZ_SEEDS"] {
        for (index, seed) in target.seeds.enumerated() {
            FileManager.default.createFile(atPath: "\(folder)/seed-\(index)", contents: Data(seed))
        }
        exit(0)
    }
    return 0
}

/// Called with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func run(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    target?.run(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
