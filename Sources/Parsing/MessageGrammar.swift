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
/// | `{user}` | a name that a client chose: anything, also blanks and nothing |
/// | `{plain}` | a name that a client chose, at the end of whose line sshd's reason might be the client's too, cut off |
/// | `{client}` | anything else that a client chose; at the end of a pattern everything to the end |
/// | `{tag}` | the name of a function of the program, and what it was about to do: at most 64 letters, digits, `_`, `:`, blanks |
/// | `{account}` | the name of an account of this machine: at most 256 bytes, up to the first place where the rest fits |
/// | `{contested}` | a name that a client chose, in a line where a client's text follows the address as well |
/// | `{same}` | the text of the name once more |
/// | `{key}` | what sshd writes of a key, to the end (``KeyText``) |
/// | `{text}` | what the program itself wrote, up to the first place where the next literal is |
/// | `{rest}` | what the program itself wrote, to the end |
///
/// What a client chose may itself contain ` from 192.0.2.1 port 1 ssh2`. So it is asked for each part who wrote it, and what
/// that leaves in doubt:
///
/// - Behind `{user}` and `{client}` only the program wrote: they reach as far as they can, and what follows is looked for from
///   the right.
/// - An `{account}` exists, so its name has no such text in it: what follows is looked for from the left, whatever a client
///   wrote behind it.
/// - On both sides of an address that follows a `{contested}` name there is a client's text. When looking from the left and from
///   the right finds two different places, nobody can tell which is true: then there is no user, no source and no port.
///
/// A `{user}` behind `for ` gives the name alone where `invalid user ` or `illegal user ` precedes it, as sshd writes of
/// names that it does not know.
///
/// Patterns are compiled once. A message is compared only with patterns that begin with its first byte, so an entry more costs
/// the others nothing.
struct MessageGrammar: Sendable {
    /// The parts of a message that patterns name; absent ones are empty ranges with a negative start.
    struct Match: Sendable {
        var pattern = 0
        var user = absent
        var source = absent
        var method = absent
        var port: Int32?
        var count: Int32?
        /// Two readings of the line name different places, so none of its names can be believed.
        var isContested = false

        static let absent = -1 ..< -1
    }

    /// One step of a pattern. Steps of all patterns stand in one array and their literals in one buffer: matching follows
    /// numbers and touches no object.
    private struct Step {
        enum Kind {
            case literal, source, method, word, port, count, number, user, plain, client, account, contested, same, key, tag,
                text, rest
            case end
        }

        var kind: Kind
        /// Of a name: whether it may have "invalid user " before it.
        var mayBeUnknown = false
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

    /// No program writes longer messages (sshd cuts its own at 1 KiB); so what a line can cost is bounded.
    static let maxMessageLength = 8 << 10
    /// sshd writes 100 bytes of a name (200 in some messages), each as an escape of four where it must.
    static let maxNameLength = 800
    /// `LOGIN_NAME_MAX` of Linux.
    static let maxAccountLength = 256

    /// - Precondition: the parts of each pattern have known names; the list is part of the program.
    init(_ texts: [String]) {
        for (index, text) in texts.enumerated() {
            starts.append(steps.count)
            compile(text)
            for byte in firstBytes(of: steps[starts[index]]) { byFirstByte[byte].append(index) }
        }
    }

    private func firstBytes(of step: Step) -> ClosedRange<Int> {
        switch step.kind {
        case .literal: Int(literals[step.start])...Int(literals[step.start])
        case .count, .number, .port: 0x30...0x39
        default: 0...255
        }
    }

    /// The first pattern that takes all of `message`, or nil.
    func match(_ message: Span<UInt8>) -> Match? {
        guard !message.isEmpty, message.count <= Self.maxMessageLength else { return nil }
        for index in byFirstByte[Int(message[0])] {
            var match = Match()
            if take(starts[index], message, 0, &match) {
                match.pattern = index
                // A longer name than any program writes reaches into what a client wrote behind the address, of which the end
                // was cut off.
                if match.user.count > Self.maxNameLength, match.source.lowerBound > match.user.lowerBound {
                    match.isContested = true
                }
                if match.isContested { (match.user, match.source, match.port) = (Match.absent, Match.absent, nil) }
                return match
            }
        }
        return nil
    }

    /// Whether the steps from `step` on take the message from `at` to its end. Each is tried at most at each position; of two
    /// open parts that follow each other one is committed (`{text}`) or short (`{account}`), so the cost stays linear in the
    /// length.
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
                // A port above 65535 is not a port: the line is understood, the value is not known.
                match.port = message.integer(in: at..<end).flatMap { $0 <= 65_535 ? $0 : nil }
            } else if kind == .count {
                match.count = message.integer(in: at..<end)
            }
            return true
        case .source, .method, .word:
            var end = message.wordEnd(from: at)
            let next = steps[step + 1], isBeforeLiteral = next.kind == .literal
            // Fast path: a blank or the end follows. Else, as in `{source}: 11: Bye`, the last place in the word where the rest
            // fits; at most places it does not, so the literal is looked at before the rest is tried.
            while end > at {
                if !isBeforeLiteral || isLiteral(step + 1, in: message, at: end), take(step + 1, message, end, &match) {
                    if kind == .source { match.source = at..<end }
                    if kind == .method { match.method = at..<end }
                    return true
                }
                guard isBeforeLiteral, literals[next.start] != UInt8(ascii: " ") else { return false }
                end -= 1
            }
            return false
        case .key:
            return KeyText.isWhole(message.extracting(at..<message.count))
        case .same:
            // Longer than any name that sshd writes: not compared at every place, so that the cost stays linear.
            let length = match.user.count
            guard length <= 1024, at + length <= message.count,
                message.extracting(at..<(at + length)).isEqual(to: message.extracting(match.user))
            else { return false }
            return take(step + 1, message, at + length, &match)
        case .text:
            var end = at
            while end < message.count, !isLiteral(step + 1, in: message, at: end) { end += 1 }
            return end < message.count && take(step + 1, message, end, &match)
        case .tag:
            var end = at
            while end < message.count, end - at < 64, Self.isOfTag(message[end]) {
                if end > at, isLiteral(step + 1, in: message, at: end), take(step + 1, message, end, &match) { return true }
                end += 1
            }
            return false
        case .client:
            return takeFromRight(step, message, at, &match) != nil
        case .user:
            let before = match.user
            guard let end = takeFromRight(step, message, at, &match) else {
                match.user = before
                return false
            }
            match.user = name(step, message, at..<end)
            return true
        case .plain:
            guard let end = takeFromRight(step, message, at, &match) else { return false }
            match.user = at..<end
            // The one reason that has a client's text in it may be in the name, or the name may be what was before it: since
            // nobody can tell which, neither is believed.
            if message.extracting(at..<end).contains(": Change of username or service not allowed: (") {
                match.isContested = true
            }
            return true
        case .account:
            guard let end = takeFromLeft(step, message, at, &match) else { return false }
            match.user = at..<end
            return true
        case .contested:
            var other = match
            guard let right = takeFromRight(step, message, at, &match), let left = takeFromLeft(step, message, at, &other) else {
                return false
            }
            match.user = at..<right
            match.isContested = left != right
            return true
        }
    }

    /// The end of an open part that reaches as far as it can, or nil when what follows fits nowhere.
    private func takeFromRight(_ step: Int, _ message: Span<UInt8>, _ at: Int, _ match: inout Match) -> Int? {
        let next = steps[step + 1]
        guard next.kind == .literal else { return next.kind == .end ? message.count : nil }
        var end = message.count - next.length
        while end >= at {
            if isLiteral(step + 1, in: message, at: end) {
                if steps[step].kind != .client { match.user = at..<end }  // for `{same}`
                if take(step + 1, message, end, &match) { return end }
            }
            end -= 1
        }
        return nil
    }

    /// The end of an open part that reaches no further than it must. That of an account is near; it is not a name that sshd
    /// does not know, nor one with a port in it, which is of the address behind it.
    private func takeFromLeft(_ step: Int, _ message: Span<UInt8>, _ at: Int, _ match: inout Match) -> Int? {
        let next = steps[step + 1]
        let isAccount = steps[step].kind == .account
        if isAccount, unknownPrefix(message, at) > 0 { return nil }
        guard next.kind == .literal else { return next.kind == .end ? message.count : nil }
        var end = at
        let last = isAccount ? Swift.min(message.count, at + Self.maxAccountLength) : message.count
        while end <= last {
            if isLiteral(step + 1, in: message, at: end) {
                match.user = at..<end
                if take(step + 1, message, end, &match) { return end }
            }
            if isAccount, end < message.count, message[end] == UInt8(ascii: " "),
                message.extracting(end..<message.count).starts(with: " port ")
            {
                return nil
            }
            end += 1
        }
        return nil
    }

    /// A name without "invalid user " before it, where a pattern says that this may be there.
    private func name(_ step: Int, _ message: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        guard steps[step].mayBeUnknown else { return range }
        let length = unknownPrefix(message, range.lowerBound)
        return length <= range.count ? (range.lowerBound + length)..<range.upperBound : range
    }

    private func unknownPrefix(_ message: Span<UInt8>, _ at: Int) -> Int {
        let rest = message.extracting(at..<message.count)
        return rest.starts(with: "invalid user ") || rest.starts(with: "illegal user ") ? 13 : 0
    }

    private static func isOfTag(_ byte: UInt8) -> Bool {
        byte.isDigit || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: ":") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "@")
            || byte == UInt8(ascii: ".")
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
            var step = Step(kind: kind)
            step.mayBeUnknown = kind == .user && text[..<open].hasSuffix("for ")
            steps.append(step)
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { add(rest) }
        steps.append(Step(kind: .end))
    }

    private static let named: [String: Step.Kind] = [
        "source": .source, "method": .method, "word": .word, "port": .port, "count": .count, "number": .number, "user": .user,
        "client": .client, "account": .account, "contested": .contested, "plain": .plain, "same": .same, "key": .key, "tag": .tag,
        "text": .text, "rest": .rest,
    ]
}

extension Span<UInt8> {
    /// Whether `text` is somewhere in it.
    fileprivate func contains(_ text: StaticString) -> Bool {
        var at = 0
        while let found = firstIndex(of: text.utf8Start.pointee, from: at) {
            if extracting(found..<count).starts(with: text) { return true }
            at = found + 1
        }
        return false
    }
}
