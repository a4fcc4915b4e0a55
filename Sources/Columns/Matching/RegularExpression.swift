import CRE2

/// A regular expression of RE2 that is compared with whole texts, as `^(?:…)$` is in Alertmanager and Prometheus. A match takes
/// time linear in the text, whatever the pattern: routes, silences and rules come from people, texts from attackers.
///
/// A pattern's cost is bounded by ``maxLength``, ``maxRepetitions``, ``maxProgram`` and ``maxMemory``; what is above is refused
/// with a sentence.
public struct RegularExpression: Sendable, Hashable {
    /// A pattern that RE2 does not take, or that is too long.
    public struct Malformed: Error, CustomStringConvertible {
        /// As it was written.
        public let pattern: String
        /// RE2's own words.
        public let reason: String
        /// The sentence for people.
        public var description: String {
            let shown = pattern.unicodeScalars.prefix(Self.shownScalars)
            return
                "'\(String(shown))\(shown.endIndex == pattern.unicodeScalars.endIndex ? "" : "…")' is not a regular "
                + "expression: \(reason)"
        }

        private static let shownScalars = 200
    }

    /// The longest pattern in bytes. RE2 takes up to a fifth of a second to refuse the worst one of this length.
    public static let maxLength = 8192
    /// How many copies all counted repetitions of a pattern may ask for together: RE2 writes them out before it measures its
    /// program.
    public static let maxRepetitions = 10_000
    /// The most instructions. A match takes at most so many steps per byte.
    public static let maxProgram = 10_000
    /// What RE2 may hold for one pattern and its automata, in bytes. When an automaton outgrows this, RE2 follows the program
    /// itself: slower, with the same answer.
    static let maxMemory: Int64 = 1 << 20

    /// As it was written.
    public let pattern: String
    private let program: Program

    /// Compiles the pattern, which may cost milliseconds; matching then is linear in the text.
    ///
    /// - Parameter captures: keeps what groups match, for ``captures(_:into:)``; at most ``maxGroups`` groups.
    public init(_ pattern: String, captures: Bool = false) throws(Malformed) {
        self.pattern = pattern
        program = try Program(pattern, captures: captures)
        guard program.groups <= Self.maxGroups else {
            throw Malformed(pattern: pattern, reason: "it has \(program.groups) groups; write at most \(Self.maxGroups)")
        }
    }

    /// The most groups that may capture.
    public static let maxGroups = Int(obs_re2_max_groups)

    /// The names of the groups that capture, in the order of their parentheses; nil for one without a name.
    public var groupNames: [String?] { program.groupNames }

    /// Whether all of `text` matches; then `places` has what each group took, in the order of ``groupNames``; an empty range
    /// from -1 for one that took no part.
    public func captures(_ text: Span<UInt8>, into places: inout [Range<Int>]) -> Bool {
        program.captures(text, into: &places)
    }

    /// Looks for the first match in `text` from `start` on, wherever it begins. Then `places` has the whole match, and behind it
    /// what each group took, in the order of ``groupNames``; an empty range from -1 for one that took no part.
    package func firstMatch(in text: Span<UInt8>, from start: Int, into places: inout [Range<Int>]) -> Bool {
        program.firstMatch(in: text, from: start, into: &places)
    }

    /// Whether all of `text` matches.
    public func matches(_ text: String) -> Bool { matches(text.utf8.span) }

    /// The same of bytes in UTF-8.
    public func matches(_ text: Span<UInt8>) -> Bool { program.matches(text) }

    /// The most steps per byte of text.
    public var programSize: Int { program.size }

    /// Equal when the patterns have the same bytes.
    public static func == (left: Self, right: Self) -> Bool { left.pattern.utf8.elementsEqual(right.pattern.utf8) }

    /// Of the bytes of the pattern.
    public func hash(into hasher: inout Hasher) {
        for byte in pattern.utf8 { hasher.combine(byte) }
    }
}

/// A compiled pattern of RE2, which is freed with the last copy of its expression.
///
/// Safe because RE2 never changes once made but for its caches, which it locks itself: any number of threads may match with one.
private final class Program: @unchecked Sendable {
    private let handle: OpaquePointer
    let size: Int

    init(_ pattern: String, captures: Bool) throws(RegularExpression.Malformed) {
        func refuse(_ reason: String) -> RegularExpression.Malformed { .init(pattern: pattern, reason: reason) }
        guard pattern.utf8.count <= RegularExpression.maxLength else {
            throw refuse("it has \(pattern.utf8.count) bytes; write at most \(RegularExpression.maxLength)")
        }
        let text = PatternText(pattern)
        guard text.repetitions <= RegularExpression.maxRepetitions else {
            throw refuse(
                "its counted repetitions ask for \(text.repetitions) copies; let them ask for at most "
                    + "\(RegularExpression.maxRepetitions)"
            )
        }
        var fault = obs_re2_other
        var part = [CChar](repeating: 0, count: 60)
        let made = text.bytes.withUnsafeBytes { bytes in
            obs_re2_compile(
                bytes.baseAddress, bytes.count, RegularExpression.maxMemory, captures, &fault, &part, part.count)
        }
        guard let made else {
            throw refuse(
                Self.reason(fault, String(decoding: part.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)))
        }
        let size = Int(obs_re2_program_size(made))
        guard size <= RegularExpression.maxProgram else {
            obs_re2_free(made)
            throw refuse(Self.reason(obs_re2_too_large, ""))
        }
        self.size = size
        handle = made
    }

    deinit { obs_re2_free(handle) }

    func matches(_ text: Span<UInt8>) -> Bool {
        // Safe because RE2 reads only the bytes of the span, during the call.
        text.withUnsafeBytes { obs_re2_matches(handle, $0.baseAddress, $0.count) }
    }

    var groups: Int { Int(obs_re2_groups(handle)) }

    var groupNames: [String?] {
        (0..<groups).map { index in
            var name = [CChar](repeating: 0, count: 256)
            obs_re2_name_of_group(handle, Int32(index + 1), &name, name.count)
            return name[0] == 0 ? nil : String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    func captures(_ text: Span<UInt8>, into places: inout [Range<Int>]) -> Bool {
        let count = groups
        return withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * RegularExpression.maxGroups) { found in
            // Safe because RE2 reads only the bytes of the span, during the call, and writes two numbers per group.
            guard text.withUnsafeBytes({ obs_re2_capture(handle, $0.baseAddress, $0.count, found.baseAddress!, Int32(count)) })
            else { return false }
            places.removeAll(keepingCapacity: true)
            for index in 0..<count { places.append(Int(found[2 * index])..<Int(found[2 * index + 1])) }
            return true
        }
    }

    func firstMatch(in text: Span<UInt8>, from start: Int, into places: inout [Range<Int>]) -> Bool {
        let count = groups
        return withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * (RegularExpression.maxGroups + 1)) { found in
            // Safe because RE2 reads only the bytes of the span, during the call, and writes two numbers per group and two more.
            let isFound = text.withUnsafeBytes {
                obs_re2_find(handle, $0.baseAddress, $0.count, start, found.baseAddress!, Int32(count))
            }
            guard isFound else { return false }
            places.removeAll(keepingCapacity: true)
            for index in 0...count { places.append(Int(found[2 * index])..<Int(found[2 * index + 1])) }
            return true
        }
    }

    private static func reason(_ fault: obs_re2_fault, _ part: String) -> String {
        switch fault {
        case obs_re2_escape: "'\(part)' is not an escape of RE2; write \\\\ for a backslash"
        case obs_re2_class, obs_re2_range: "'\(part)' is not a class or a range of characters that RE2 has"
        case obs_re2_bracket: "a ']' is missing after '\(part)'"
        case obs_re2_parenthesis: "a ')' is missing"
        case obs_re2_unexpected_parenthesis: "there is a ')' without its '('; write \\) for the character"
        case obs_re2_trailing_backslash: "it ends in a backslash; write \\\\ for the character"
        case obs_re2_nothing_to_repeat: "there is nothing before '\(part)' to repeat"
        case obs_re2_repeated_too_often:
            "'\(part)' repeats more than 1000 times, or backwards (repetitions within each other multiply)"
        case obs_re2_stacked_repeats: "'\(part)' repeats a repetition; put a group around the inner one, such as (?:a*)+"
        case obs_re2_group: "'\(part)' is not supported; RE2 has no look-ahead and no look-behind"
        case obs_re2_group_name: "'\(part)' is not the name of a group; write (?P<name>…) with letters, digits and _"
        case obs_re2_not_utf8: "it is not UTF-8"
        case obs_re2_too_large: "it is too large once its repetitions are written out; repeat less"
        default: "RE2 does not understand it"
        }
    }
}
