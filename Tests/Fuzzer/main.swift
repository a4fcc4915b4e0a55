import CFuzzer
import Foundation
import Fuzzing

// The fuzzer of `make fuzz`: OBS_FUZZ_TARGET chooses what is fuzzed, the arguments are those of libFuzzer. With `--seeds FOLDER`
// it writes the target's seeds; without a target it lists all.
let name = ProcessInfo.processInfo.environment["OBS_FUZZ_TARGET"] ?? ""
guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
    print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
    exit(name.isEmpty ? 0 : 2)
}
if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "--seeds" {
    for (index, seed) in target.seeds.enumerated() {
        try Data(seed).write(to: URL(filePath: CommandLine.arguments[2] + "/seed-\(index)"))
    }
    exit(0)
}
nonisolated(unsafe) let run = target.run
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(
    withUnsafeMutablePointer(to: &arguments) { pointer in
        pointer.withMemoryRebound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1) {
            LLVMFuzzerRunDriver(&count, $0) { data, size in
                run(Array(UnsafeBufferPointer(start: data, count: size)))
                return 0
            }
        }
    })
