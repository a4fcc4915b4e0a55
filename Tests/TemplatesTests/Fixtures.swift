import Columns

@testable import Templates

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func string(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

func masked(_ message: String) -> String {
    let line = bytes(message)
    return String(decoding: MessageMasker(lineLength: 2_048, maxTokens: 128).text(line.span), as: UTF8.self)
}

extension TemplateMiner {
    @discardableResult
    mutating func assign(_ message: String) -> UInt32 {
        let line = bytes(message)
        return assign(line.span)
    }

    var state: StateWriter {
        var writer = StateWriter()
        encode(to: &writer)
        return writer
    }

    /// The live templates, oldest first.
    var texts: [String] { slotOfNumber.keys.sorted().compactMap { string(text(of: $0)) } }
}

/// Messages of a few statements with words and numbers that vary, in a random order.
func messages(_ count: Int, seed: UInt64) -> [String] {
    var random = SplitMix64(seed: seed)
    let words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "null", "10.0.0.7", "/var/tmp/x"]
    return (0..<count).map { _ in
        let word = words.randomElement(using: &random)!, other = words.randomElement(using: &random)!
        let number = Int.random(in: 0..<1_000, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return "job \(word) ended after \(number) ms"
        case 1: return "connection from \(word) to \(other) closed"
        case 2: return "state=\(word) load=\(number) owner=\(other)"
        case 3: return "\(word) service started"
        case 4: return "retry \(number) of \(number) for queue \(word): \(other)"
        default: return "cache \(word) is full"
        }
    }
}
