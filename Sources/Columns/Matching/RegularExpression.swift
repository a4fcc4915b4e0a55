/// A regular expression that takes time linear in the text, whatever the pattern: routes, silences and rules come from people, texts from attackers.
///
/// The syntax is RE2's, as Prometheus and Alertmanager have it, as far as matching whole values goes: literals, `.`, classes (`[a-z]`, `[^…]`, `\d \w \s` and
/// their opposites), groups, `|`, `* + ? {m,n}` (also lazy, which changes nothing for whole matches), `(?i)` at the start, `^` and `$`. What it does not
/// have it refuses by name.
///
/// Source: K. Thompson, "Regular Expression Search Algorithm", CACM 11 (1968): all states of the automaton are followed at once.
public struct RegularExpression: Sendable, Hashable {
    public struct Malformed: Error, CustomStringConvertible {
        public let pattern: String
        public let reason: String
        public var description: String { "'\(pattern)' is no regular expression: \(reason)" }
    }

    /// A larger program is refused: `(a{1000}){1000}` is short to write.
    private static let maxProgram = 20_000

    public let pattern: String
    private let program: [Instruction]
    /// The whole texts that are matched, when the pattern is nothing but a list of them: the most common kind.
    private let literals: Set<String>?

    private enum Instruction: Sendable, Hashable {
        case set(CharacterSet)
        case split(Int, Int)
        case jump(Int)
        /// Only at the start or the end of the text.
        case start, end
        case match
    }

    struct CharacterSet: Sendable, Hashable {
        var ranges: [ClosedRange<UInt32>]
        var isNegated = false
        var ignoresCase = false

        func contains(_ scalar: UInt32) -> Bool {
            var isIn = ranges.contains { $0.contains(scalar) }
            if !isIn, ignoresCase, let other = Self.otherCase(scalar) { isIn = ranges.contains { $0.contains(other) } }
            return isIn != isNegated
        }

        private static func otherCase(_ scalar: UInt32) -> UInt32? {
            guard let scalar = Unicode.Scalar(scalar) else { return nil }
            let lower = scalar.properties.lowercaseMapping.unicodeScalars,
                upper = scalar.properties.uppercaseMapping.unicodeScalars
            if lower.count == 1, lower.first != scalar { return lower.first!.value }
            if upper.count == 1, upper.first != scalar { return upper.first!.value }
            return nil
        }
    }

    public init(_ pattern: String) throws(Malformed) {
        self.pattern = pattern
        let alternatives = pattern.split(separator: "|", omittingEmptySubsequences: false)
        if pattern.unicodeScalars.allSatisfy({ $0 == "|" || !"\\.+*?()[]{}^$".unicodeScalars.contains($0) }) {
            literals = Set(alternatives.map(String.init))
            program = []
            return
        }
        literals = nil
        var parser = Parser(pattern)
        let node = try parser.parse()
        var program: [Instruction] = []
        try Self.compile(node, into: &program, pattern)
        program.append(.match)
        self.program = program
    }

    /// Whether the whole of `text` is matched.
    public func matches(_ text: String) -> Bool {
        if let literals { return literals.contains(text) }
        var current = StateSet(program.count), next = StateSet(program.count)
        let scalars = Array(text.unicodeScalars)
        add(0, at: 0, scalars.count, to: &current)
        for (index, scalar) in scalars.enumerated() {
            if current.states.isEmpty { return false }
            next.removeAll()
            for state in current.states {
                if case .set(let set) = program[state], set.contains(scalar.value) {
                    add(state + 1, at: index + 1, scalars.count, to: &next)
                }
            }
            swap(&current, &next)
        }
        return current.states.contains { program[$0] == .match }
    }

    /// Adds a state and all that can be reached from it without reading.
    private func add(_ first: Int, at position: Int, _ count: Int, to set: inout StateSet) {
        var open = [first]
        while let state = open.popLast() {
            guard set.insert(state) else { continue }
            switch program[state] {
            case .jump(let target): open.append(target)
            case .split(let left, let right):
                open.append(right)
                open.append(left)
            case .start: if position == 0 { open.append(state + 1) }
            case .end: if position == count { open.append(state + 1) }
            case .set, .match: break
            }
        }
    }

    private struct StateSet {
        private(set) var states: [Int] = []
        private var isIn: [Bool]

        init(_ count: Int) { isIn = Array(repeating: false, count: count) }

        mutating func insert(_ state: Int) -> Bool {
            if isIn[state] { return false }
            isIn[state] = true
            states.append(state)
            return true
        }

        mutating func removeAll() {
            for state in states { isIn[state] = false }
            states.removeAll(keepingCapacity: true)
        }
    }

    // MARK: Pattern to program

    indirect enum Node {
        case empty, start, end
        case set(CharacterSet)
        case sequence([Node])
        case choice([Node])
        case times(Node, Int, Int?)
    }

    private static func compile(_ node: Node, into program: inout [Instruction], _ pattern: String) throws(Malformed) {
        guard program.count < maxProgram else {
            throw Malformed(pattern: pattern, reason: "it is too large once its repetitions are written out")
        }
        switch node {
        case .empty: break
        case .start: program.append(.start)
        case .end: program.append(.end)
        case .set(let set): program.append(.set(set))
        case .sequence(let nodes): for node in nodes { try compile(node, into: &program, pattern) }
        case .choice(let nodes):
            var ends: [Int] = []
            for (index, node) in nodes.enumerated() {
                guard index < nodes.count - 1 else {
                    try compile(node, into: &program, pattern)
                    continue
                }
                let split = program.count
                program.append(.match)
                try compile(node, into: &program, pattern)
                ends.append(program.count)
                program.append(.match)
                program[split] = .split(split + 1, program.count)
            }
            for end in ends { program[end] = .jump(program.count) }
        case .times(let node, let least, let most):
            for _ in 0..<least { try compile(node, into: &program, pattern) }
            if let most {
                var splits: [Int] = []
                for _ in least..<max(least, most) {
                    splits.append(program.count)
                    program.append(.match)
                    try compile(node, into: &program, pattern)
                }
                for split in splits { program[split] = .split(split + 1, program.count) }
            } else {
                let split = program.count
                program.append(.match)
                try compile(node, into: &program, pattern)
                program.append(.jump(split))
                program[split] = .split(split + 1, program.count)
            }
        }
    }

    private struct Parser {
        private let pattern: String
        private let scalars: [Unicode.Scalar]
        private var at = 0
        private var depth = 0
        private var ignoresCase = false

        init(_ pattern: String) {
            self.pattern = pattern
            scalars = Array(pattern.unicodeScalars)
        }

        mutating func parse() throws(Malformed) -> Node {
            while starts(with: "(?i)") || starts(with: "(?s)") {
                if scalars[at + 2] == "i" { ignoresCase = true }
                at += 4
            }
            let node = try choice()
            guard at == scalars.count else { throw bad("there is a ')' without its '('") }
            return node
        }

        private func bad(_ reason: String) -> Malformed { Malformed(pattern: pattern, reason: reason) }
        private var next: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }
        private func starts(with text: String) -> Bool { scalars[at...].starts(with: text.unicodeScalars) }

        private mutating func choice() throws(Malformed) -> Node {
            depth += 1
            defer { depth -= 1 }
            guard depth < 100 else { throw bad("its groups are nested too deep") }
            var nodes = [try sequence()]
            while next == "|" {
                at += 1
                nodes.append(try sequence())
            }
            return nodes.count == 1 ? nodes[0] : .choice(nodes)
        }

        private mutating func sequence() throws(Malformed) -> Node {
            var nodes: [Node] = []
            while let scalar = next, scalar != "|", scalar != ")" {
                var node = try atom()
                while let scalar = next, "*+?{".unicodeScalars.contains(scalar) {
                    guard let (least, most) = try repetition() else { break }
                    node = .times(node, least, most)
                    if next == "?" { at += 1 }
                }
                nodes.append(node)
            }
            return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
        }

        /// The bounds of a repetition, or nil when a `{` begins none and so stands for itself.
        private mutating func repetition() throws(Malformed) -> (Int, Int?)? {
            switch scalars[at] {
            case "*":
                at += 1
                return (0, nil)
            case "+":
                at += 1
                return (1, nil)
            case "?":
                at += 1
                return (0, 1)
            default:
                guard let close = scalars[at...].firstIndex(of: "}") else { return nil }
                let parts = String(String.UnicodeScalarView(scalars[(at + 1)..<close])).split(
                    separator: ",", omittingEmptySubsequences: false)
                guard (1...2).contains(parts.count), let least = Int(parts[0]),
                    parts.count == 1 || parts[1].isEmpty || Int(parts[1]) != nil
                else { return nil }
                let most = parts.count == 1 ? least : Int(parts[1])
                guard least <= 1000, most ?? 0 <= 1000, most ?? least >= least else {
                    throw bad("a repetition is above 1000 or upside down")
                }
                at = close + 1
                return (least, most)
            }
        }

        private mutating func atom() throws(Malformed) -> Node {
            let scalar = scalars[at]
            at += 1
            switch scalar {
            case ".": return set([0...0x9, 0xB...0x10FFFF])
            case "^": return .start
            case "$": return .end
            case "[": return try characterClass()
            case "(":
                if next == "?" {
                    guard starts(with: "?:") || starts(with: "?P<") || starts(with: "?<") else {
                        throw bad("'(?' with other flags is not supported here")
                    }
                    if starts(with: "?:") {
                        at += 2
                    } else {
                        guard let close = scalars[at...].firstIndex(of: ">") else { throw bad("a group's name does not end") }
                        at = close + 1
                    }
                }
                let node = try choice()
                guard next == ")" else { throw bad("a ')' is missing") }
                at += 1
                return node
            case "*", "+", "?": throw bad("there is nothing before '\(scalar)' to repeat")
            case "\\": return set(try escape())
            default: return set([scalar.value...scalar.value])
            }
        }

        private func set(_ ranges: [ClosedRange<UInt32>], isNegated: Bool = false) -> Node {
            .set(CharacterSet(ranges: ranges, isNegated: isNegated, ignoresCase: ignoresCase))
        }

        private mutating func escape() throws(Malformed) -> [ClosedRange<UInt32>] {
            guard let scalar = next else { throw bad("it ends in a backslash") }
            at += 1
            func one(_ text: Unicode.Scalar) -> [ClosedRange<UInt32>] { [text.value...text.value] }
            func others(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
                var from: UInt32 = 0
                var gaps: [ClosedRange<UInt32>] = []
                for range in ranges {
                    if range.lowerBound > from { gaps.append(from...(range.lowerBound - 1)) }
                    from = range.upperBound + 1
                }
                return gaps + [from...0x10FFFF]
            }
            let digits: [ClosedRange<UInt32>] = [0x30...0x39],
                spaces: [ClosedRange<UInt32>] = [0x9...0xA, 0xC...0xD, 0x20...0x20]
            let words: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
            switch scalar {
            case "d": return digits
            case "D": return others(digits)
            case "w": return words
            case "W": return others(words)
            case "s": return spaces
            case "S": return others(spaces)
            case "n": return one("\n")
            case "t": return one("\t")
            case "r": return one("\r")
            case "x":
                var digits = ""
                if next == "{", let close = scalars[at...].firstIndex(of: "}") {
                    digits = String(String.UnicodeScalarView(scalars[(at + 1)..<close]))
                    at = close + 1
                } else if at + 2 <= scalars.count {
                    digits = String(String.UnicodeScalarView(scalars[at..<(at + 2)]))
                    at += 2
                }
                guard let value = UInt32(digits, radix: 16), value <= 0x10FFFF else {
                    throw bad("'\\x' needs two hexadecimal digits")
                }
                return [value...value]
            default:
                guard !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                    throw bad("'\\\(scalar)' is not supported here")
                }
                return one(scalar)
            }
        }

        private mutating func characterClass() throws(Malformed) -> Node {
            var ranges: [ClosedRange<UInt32>] = []
            let isNegated = next == "^"
            if isNegated { at += 1 }
            var isFirst = true
            while let scalar = next, scalar != "]" || isFirst {
                isFirst = false
                if starts(with: "[:") { throw bad("named classes such as [:alpha:] are not supported here") }
                at += 1
                var low = [scalar.value...scalar.value]
                if scalar == "\\" { low = try escape() }
                guard next == "-", at + 1 < scalars.count, scalars[at + 1] != "]", low.count == 1, low[0].count == 1 else {
                    ranges += low
                    continue
                }
                at += 1
                let upper = scalars[at]
                at += 1
                var high = [upper.value...upper.value]
                if upper == "\\" { high = try escape() }
                guard high.count == 1, high[0].count == 1, high[0].lowerBound >= low[0].lowerBound else {
                    throw bad("a range in a class is upside down")
                }
                ranges.append(low[0].lowerBound...high[0].lowerBound)
            }
            guard next == "]" else { throw bad("a ']' is missing") }
            at += 1
            return set(ranges, isNegated: isNegated)
        }
    }
}
