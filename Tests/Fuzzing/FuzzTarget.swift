/// A way in for bytes from outside, and what may never happen there: a crash, an endless loop, a promise that is broken.
///
/// `make fuzz` runs one with libFuzzer, which finds inputs by the branches that they reach; `make test` runs all on their seeds,
/// on the inputs that once were findings (`Tests/Fuzzing/Findings`), and on some random changes of both.
public struct FuzzTarget: Sendable {
    /// What `make fuzz TARGET=` takes.
    public let name: String
    /// Good inputs to begin with.
    public let seeds: [[UInt8]]
    /// Takes any bytes; a promise that is broken ends the process.
    public let run: @Sendable ([UInt8]) -> Void

    init(_ name: String, seeds: [String], _ run: @escaping @Sendable ([UInt8]) -> Void) {
        self.init(name, bytes: seeds.map { Array($0.utf8) }, run)
    }

    init(_ name: String, bytes seeds: [[UInt8]], _ run: @escaping @Sendable ([UInt8]) -> Void) {
        self.name = name
        self.seeds = seeds
        self.run = run
    }

    /// All of them: formats of logs, what comes over a network, languages that people write, files.
    public static let all: [FuzzTarget] = formats + wires + languages + files
}

/// Ends the process where a promise is broken, also in a release build.
func promise(_ isKept: Bool, _ sentence: @autoclosure () -> String) {
    if !isKept { fatalError("broken promise: \(sentence())") }
}
