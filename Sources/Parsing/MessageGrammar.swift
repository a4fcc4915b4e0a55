import Columns

/// A grammar of log messages: a list of patterns, each a text with named parts, tried in order on the bytes of a message.
///
///     "Failed {method} for invalid user {user} from {source} port {port} ssh2"
///
/// | part | takes |
/// |---|---|
/// | `{source}` | an address or host name: no blank |
/// | `{method}`, `{word}` | no blank |
/// | `{port}`, `{count}`, `{number}` | digits |
/// | `{user}`, `{text}` | anything, also blanks and nothing |
/// | `{rest}` | everything to the end |
///
/// `{user}` and `{text}` are what an attacker writes, and may themselves contain ` from 1.2.3.4`. So they reach as far as they can: what follows
/// them is looked for from the right.
///
/// Patterns are compiled once. A message is compared only with patterns that begin with its first byte, so an entry more costs the others nothing.
public struct MessageGrammar: Sendable {
    /// The parts of a message that patterns name; absent ones are empty ranges with a negative start.
    public struct Match: Sendable {
        public internal(set) var pattern = 0
        public internal(set) var user = absent
        public internal(set) var source = absent
        public internal(set) var method = absent
        public internal(set) var port: Int32?
        public internal(set) var count: Int32?

        static let absent = -1 ..< -1
    }

    /// One step of a pattern. Steps of all patterns stand in one array and their literals in one buffer: matching follows numbers and touches no object.
    private struct Step {
        enum Kind {
            case literal, source, method, word, port, count, number, user, text, rest, end
        }

        var kind: Kind
        /// Of a literal: where it stands in `literals`.
        var start = 0
        var length = 0
    }

    private var steps: [Step] = []
    private var literals: [UInt8] = []
    /// By pattern, its first step.
    private var starts: [Int] = []
    /// By first byte, the patterns to try, in the order of the list.
    private var byFirstByte = [[Int]](repeating: [], count: 256)

    /// - Precondition: each pattern begins with a literal and its parts have known names; the list is part of the program.
    public init(_ texts: [String]) {
        for (index, text) in texts.enumerated() {
            starts.append(steps.count)
            compile(text)
            let first = steps[starts[index]]
            guard first.kind == .literal else { preconditionFailure("pattern '\(text)' begins with a literal") }
            byFirstByte[Int(literals[first.start])].append(index)
        }
    }

    /// The first pattern that takes all of `message`, or nil.
    public func match(_ message: Span<UInt8>) -> Match? {
        guard !message.isEmpty else { return nil }
        for index in byFirstByte[Int(message[0])] {
            var match = Match()
            if take(starts[index], message, 0, &match) {
                match.pattern = index
                return match
            }
        }
        return nil
    }

    /// Whether the steps from `step` on take the message from `at` to its end. Each is tried at most at each position, so the cost is
    /// bounded by the steps times the length for patterns with one open part, as all of ours are between two literals.
    private func take(_ step: Int, _ message: Span<UInt8>, _ at: Int, _ match: inout Match) -> Bool {
        let kind = steps[step].kind
        switch kind {
        case .end:
            return at == message.count
        case .literal:
            return isLiteral(step, in: message, at: at) && take(step + 1, message, at + steps[step].length, &match)
        case .rest:
            return true
        case .port, .count, .number:
            var end = at
            while end < message.count, end - at < 10, message[end].isDigit { end += 1 }
            guard end > at, take(step + 1, message, end, &match) else { return false }
            if kind == .port {
                // A port above 65535 is no port: the line is understood, the value is not known.
                match.port = message.integer(in: at..<end).flatMap { $0 <= 65_535 ? $0 : nil }
            } else if kind == .count {
                match.count = message.integer(in: at..<end)
            }
            return true
        case .source, .method, .word:
            var end = message.wordEnd(from: at)
            // Fast path: a blank or the end follows. Else, as in `{source}: 11: Bye`, the last place in the word where the rest fits.
            while end > at {
                if take(step + 1, message, end, &match) {
                    if kind == .source { match.source = at..<end }
                    if kind == .method { match.method = at..<end }
                    return true
                }
                let next = steps[step + 1]
                guard next.kind == .literal, literals[next.start] != UInt8(ascii: " ") else { return false }
                end -= 1
            }
            return false
        case .user, .text:
            let next = steps[step + 1]
            guard next.kind == .literal else {
                if kind == .user { match.user = at..<message.count }
                return next.kind == .end
            }
            var end = message.count - next.length
            while end >= at {
                if isLiteral(step + 1, in: message, at: end), take(step + 1, message, end, &match) {
                    if kind == .user { match.user = at..<end }
                    return true
                }
                end -= 1
            }
            return false
        }
    }

    @inline(__always) private func isLiteral(_ step: Int, in message: Span<UInt8>, at start: Int) -> Bool {
        let literal = steps[step]
        // The first byte settles it nearly always.
        guard start >= 0, start + literal.length <= message.count, message[start] == literals[literal.start] else { return false }
        return message.extracting(start..<(start + literal.length)).isEqual(
            to: literals.span.extracting(literal.start..<(literal.start + literal.length)))
    }

    private mutating func compile(_ text: String) {
        func add(_ bytes: Substring) {
            steps.append(Step(kind: .literal, start: literals.count, length: bytes.utf8.count))
            literals += bytes.utf8
        }
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { add(rest[..<open]) }
            let name = String(rest[rest.index(after: open)..<close])
            guard let kind = Self.named[name] else { preconditionFailure("pattern '\(text)' names the unknown part '\(name)'") }
            steps.append(Step(kind: kind))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { add(rest) }
        steps.append(Step(kind: .end))
    }

    private static let named: [String: Step.Kind] = [
        "source": .source, "method": .method, "word": .word, "port": .port, "count": .count, "number": .number, "user": .user,
        "text": .text, "rest": .rest,
    ]
}
