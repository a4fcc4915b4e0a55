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

    enum Part: Sendable, Equatable {
        case literal([UInt8])
        case source, method, word
        case port, count, number
        case user, text
        case rest
    }

    private let patterns: [[Part]]
    /// By first byte, the patterns to try, in the order of the list.
    private let byFirstByte: [[Int]]

    /// - Precondition: each pattern begins with a literal and its parts have known names; the list is part of the program.
    public init(_ texts: [String]) {
        patterns = texts.map(Self.compile)
        var table = [[Int]](repeating: [], count: 256)
        for (index, pattern) in patterns.enumerated() {
            guard case .literal(let bytes)? = pattern.first else {
                preconditionFailure("pattern '\(texts[index])' begins with a literal")
            }
            table[Int(bytes[0])].append(index)
        }
        byFirstByte = table
    }

    /// The first pattern that takes all of `message`, or nil.
    public func match(_ message: Span<UInt8>) -> Match? {
        guard !message.isEmpty else { return nil }
        for index in byFirstByte[Int(message[0])] {
            var match = Match()
            if take(patterns[index], 0, message, 0, &match) {
                match.pattern = index
                return match
            }
        }
        return nil
    }

    /// Whether the parts from `part` on take the message from `at` to its end. Each part is tried at most at each position, so the cost is
    /// bounded by the parts times the length for patterns with one open part, as all of ours are between two literals.
    private func take(_ parts: [Part], _ part: Int, _ message: Span<UInt8>, _ at: Int, _ match: inout Match) -> Bool {
        guard part < parts.count else { return at == message.count }
        switch parts[part] {
        case .literal(let bytes):
            guard message.hasLiteral(bytes, at: at) else { return false }
            return take(parts, part + 1, message, at + bytes.count, &match)
        case .rest:
            return true
        case .port, .count, .number:
            var end = at
            while end < message.count, end - at < 10, message[end].isDigit { end += 1 }
            guard end > at, take(parts, part + 1, message, end, &match) else { return false }
            if parts[part] == .port {
                // A port above 65535 is no port: the line is understood, the value is not known.
                match.port = message.integer(in: at..<end).flatMap { $0 <= 65_535 ? $0 : nil }
            } else if parts[part] == .count {
                match.count = message.integer(in: at..<end)
            }
            return true
        case .source, .method, .word:
            var end = message.wordEnd(from: at)
            // Fast path: a blank or the end follows. Else, as in `{source}: 11: Bye`, the last place in the word where the rest fits.
            while end > at {
                if take(parts, part + 1, message, end, &match) {
                    switch parts[part] {
                    case .source: match.source = at..<end
                    case .method: match.method = at..<end
                    default: break
                    }
                    return true
                }
                guard part + 1 < parts.count, case .literal(let bytes) = parts[part + 1], bytes[0] != UInt8(ascii: " ") else {
                    return false
                }
                end -= 1
            }
            return false
        case .user, .text:
            guard part + 1 < parts.count, case .literal(let bytes) = parts[part + 1] else {
                if parts[part] == .user { match.user = at..<message.count }
                return part + 1 == parts.count
            }
            var end = message.count - bytes.count
            while end >= at {
                if message[end] == bytes[0], message.hasLiteral(bytes, at: end), take(parts, part + 1, message, end, &match) {
                    if parts[part] == .user { match.user = at..<end }
                    return true
                }
                end -= 1
            }
            return false
        }
    }

    private static func compile(_ text: String) -> [Part] {
        var parts: [Part] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open].utf8))) }
            let name = String(rest[rest.index(after: open)..<close])
            guard let part = named[name] else { preconditionFailure("pattern '\(text)' names the unknown part '\(name)'") }
            parts.append(part)
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.literal(Array(rest.utf8))) }
        return parts
    }

    private static let named: [String: Part] = [
        "source": .source, "method": .method, "word": .word, "port": .port, "count": .count, "number": .number, "user": .user,
        "text": .text, "rest": .rest,
    ]
}

extension Span<UInt8> {
    func hasLiteral(_ bytes: [UInt8], at start: Int) -> Bool {
        guard start >= 0, start + bytes.count <= count else { return false }
        return extracting(start..<(start + bytes.count)).isEqual(to: bytes.span)
    }
}
