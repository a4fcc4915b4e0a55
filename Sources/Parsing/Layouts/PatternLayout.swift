import Columns

/// The `PatternLayout` of Log4j 1 and 2 and of Logback, read backwards: `%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m%n`.
///
/// Sources: Log4j's manual "Pattern Layout", Logback's manual "Layouts".
struct PatternLayout {
    private var builder = LayoutBuilder()
    private let letters: [Unicode.Scalar]
    private var at = 0
    private var hasLogger = false
    /// The line has ended, so that only the trace of an exception may follow.
    private var hasEnded = false

    static func compile(_ pattern: String) throws(LayoutError) -> LayoutProgram {
        var layout = PatternLayout(letters: try expanded(Array(pattern.unicodeScalars)[...]))
        try layout.read(until: nil)
        return try layout.builder.finish()
    }

    private var depth = 0
    private static let maxDepth = 32

    private init(letters: [Unicode.Scalar]) { self.letters = letters }

    /// Reads up to the end, or up to the `)` or `}` of a group.
    private mutating func read(until close: Unicode.Scalar?) throws(LayoutError) {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maxDepth else {
            throw LayoutError(part: "%(", reason: "groups are within each other more than \(Self.maxDepth) times")
        }
        while at < letters.count {
            let letter = letters[at]
            if let close, letter == close { return }
            at += 1
            switch letter {
            case "\\" where at < letters.count:
                let escaped = letters[at]
                at += 1
                builder.literal((escaped == "t" ? "\t" : escaped == "n" ? "" : String(escaped)).utf8)
            case "%": try readConversion()
            default: builder.literal(String(letter).utf8)
            }
        }
        if let close { throw LayoutError(part: String(close), reason: "it is missing at the end of a group") }
    }

    /// `${LOG_LEVEL_PATTERN:-%5p}` of Spring as what holds where nothing else is set: what is behind `:-`.
    private static func expanded(_ letters: ArraySlice<Unicode.Scalar>) throws(LayoutError) -> [Unicode.Scalar] {
        var text: [Unicode.Scalar] = [], at = letters.startIndex
        while at < letters.endIndex {
            guard letters[at] == "$", at + 1 < letters.endIndex, letters[at + 1] == "{" else {
                text.append(letters[at])
                at += 1
                continue
            }
            var end = at + 2, depth = 1, colon: Int?
            while end < letters.endIndex {
                if letters[end] == "{" { depth += 1 } else if letters[end] == "}" { depth -= 1 }
                if depth == 0 { break }
                if colon == nil, letters[end] == ":", end + 1 < letters.endIndex, letters[end + 1] == "-" { colon = end }
                end += 1
            }
            let name = String(String.UnicodeScalarView(letters[(at + 2)..<(colon ?? end)]))
            guard let colon, end < letters.endIndex else {
                throw LayoutError(part: "${\(name)}", reason: "it is a variable; write what it stands for")
            }
            text += name == "PID" ? Array("%5pid".unicodeScalars) : try expanded(letters[(colon + 2)..<end])
            at = end + 1
        }
        return text
    }

    private mutating func readConversion() throws(LayoutError) {
        let start = at - 1
        var isLeft = false, hasWidth = false
        if at < letters.count, letters[at] == "-" {
            isLeft = true
            at += 1
        }
        while at < letters.count, letters[at].isDigit || letters[at] == "." || letters[at] == "-" {
            // Only what is before the dot pads.
            if letters[at].isDigit, !letters[start..<at].contains(".") { hasWidth = true }
            at += 1
        }
        let wordStart = at
        if at < letters.count, letters[at] == "(" {
            at += 1
            try read(until: ")")
            at += 1
            return
        }
        while at < letters.count, letters[at].isASCII, letters[at].properties.isAlphabetic { at += 1 }
        let word = String(String.UnicodeScalarView(letters[wordStart..<at]))
        if word.isEmpty, at < letters.count, letters[at] == "%" {
            at += 1
            builder.literal("%".utf8)
            return
        }
        let padding = (right: hasWidth && !isLeft, left: hasWidth && isLeft)
        if try readGroup(word) { return }
        guard !Self.unreadable.contains(word), let name = Self.longestKnown(word) else {
            throw LayoutError(part: "%\(word)", reason: "what this conversion writes cannot be read back")
        }
        // Longest first, because `%m` is also how `%msg` and `%marker` begin.
        // `%mfoo`: the letters behind the shortest name that is known are text.
        at = wordStart + name.unicodeScalars.count
        var options: [String] = []
        while at < letters.count, letters[at] == "{" { options.append(try readBraces()) }
        try add(name, options, padding, part: String(String.UnicodeScalarView(letters[start..<at])))
    }

    private mutating func readBraces() throws(LayoutError) -> String {
        let start = at + 1
        var depth = 0
        while at < letters.count {
            if letters[at] == "{" { depth += 1 }
            if letters[at] == "}" { depth -= 1 }
            at += 1
            if depth == 0 { return String(String.UnicodeScalarView(letters[start..<(at - 1)])) }
        }
        throw LayoutError(part: "{", reason: "a '}' is missing")
    }

    /// `%clr(…){faint}` and `%highlight{…}`, which only add colours.
    private mutating func readGroup(_ word: String) throws(LayoutError) -> Bool {
        guard at < letters.count, Self.colours.contains(word) else { return false }
        guard letters[at] == "(" || letters[at] == "{" else { return false }
        let close: Unicode.Scalar = letters[at] == "(" ? ")" : "}"
        at += 1
        try read(until: close)
        at += 1
        while at < letters.count, letters[at] == "{" { _ = try readBraces() }
        return true
    }

    private static let colours: Set<String> = [
        "clr", "highlight", "style", "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "gray", "boldRed",
        "boldGreen", "boldYellow", "boldBlue", "boldMagenta", "boldCyan", "boldWhite",
    ]

    private static let names: [String: [String]] = [
        "time": ["d", "date"], "level": ["p", "le", "level"], "logger": ["c", "lo", "logger"], "class": ["C", "class"],
        "thread": ["t", "tn", "thread", "threadName"], "message": ["m", "msg", "message"], "end": ["n"],
        "line": ["L", "line"], "method": ["M", "method"], "source": ["F", "file"], "location": ["l", "location", "caller"],
        "context": ["X", "mdc", "MDC"], "stack": ["x", "NDC"], "elapsed": ["r", "relative"], "pid": ["pid", "processId"],
        "threadId": ["T", "tid", "threadId"], "threadPriority": ["tp", "threadPriority"], "sequence": ["sn", "sequenceNumber"],
        "uuid": ["u", "uuid"], "marker": ["marker", "markerSimpleName"],
        "exception": [
            "ex", "exception", "throwable", "xEx", "xException", "xThrowable", "rEx", "rException", "rThrowable", "wEx", "wex",
            "nopex", "nopexception", "rootException",
        ],
    ]
    /// Conversions that change what they are about, or write what is not in a record.
    private static let unreadable: Set<String> = [
        "replace", "enc", "encode", "K", "map", "MAP", "notEmpty", "varsNotEmpty", "variablesNotEmpty", "equals",
        "equalsIgnoreCase",
        "maxLen", "maxLength", "repeat", "fqcn", "endOfBatch", "property", "contextName", "cn", "kvp", "N", "nano", "esb",
    ]
    private static let kinds = Dictionary(uniqueKeysWithValues: names.flatMap { kind, names in names.map { ($0, kind) } })

    /// The longest name at the start of `word` that is known; letters may follow it.
    private static func longestKnown(_ word: String) -> String? {
        var name = word
        while !name.isEmpty, kinds[name] == nil { name.unicodeScalars.removeLast() }
        return name.isEmpty ? nil : name
    }

    private mutating func add(
        _ name: String, _ options: [String], _ padding: (right: Bool, left: Bool), part: String
    ) throws(LayoutError) {
        func add(_ column: String, _ kind: LayoutField.Kind = .text, _ step: (Int) -> LayoutProgram.Step) throws(LayoutError) {
            try builder.field(
                LayoutField(name: column, kind: kind), part: part, isRightAligned: padding.right, isLeftAligned: padding.left,
                step)
        }
        let kind = Self.kinds[name]!
        guard !hasEnded || kind == "end" || kind == "exception" else {
            throw LayoutError(
                part: part,
                reason: "it is behind the end of the line: an event has several lines of its own; write a layout of the first")
        }
        switch kind {
        case "time": try addTime(options, part: part)
        case "level": try add("level", .level) { .level($0) }
        case "logger":
            hasLogger = true
            try add("logger") { .word($0) }
        case "class":
            try add(hasLogger || letters[at...].contains("c") && hasLaterLogger ? "class" : "logger") { .name($0) }
        case "thread": try add("thread") { .text($0) }
        case "message": try add("message") { .text($0) }
        case "line": try add("source_line", .integer) { .number($0) }
        case "method": try add("function") { .name($0) }
        case "source": try add("source_file") { .word($0) }
        case "location": try add("location") { .text($0) }
        case "context": try add(column(options.first)) { .text($0) }
        case "stack": try add("ndc") { .text($0) }
        case "elapsed": try add("elapsed_ms", .integer) { .number($0) }
        case "pid": try add("pid", .integer) { .number($0) }
        case "threadId": try add("thread_id", .integer) { .number($0) }
        case "threadPriority": try add("thread_priority", .integer) { .number($0) }
        case "sequence": try add("sequence", .integer) { .number($0) }
        case "uuid": try add("uuid") { .word($0) }
        case "marker": try add("marker") { .text($0) }
        case "end": hasEnded = true
        default: break  // a stack trace, which the lines behind the event are
        }
    }

    private var hasLaterLogger: Bool {
        let rest = String(String.UnicodeScalarView(letters[at...]))
        return rest.contains(/%-?[0-9.]*(?:c[^a-z]|lo|logger)/)
    }

    private mutating func addTime(_ options: [String], part: String) throws(LayoutError) {
        let date: DatePattern
        do throws(DatePattern.Unknown) {
            date = try DatePattern(log4j: options.first ?? "")
        } catch {
            throw LayoutError(part: part, reason: "'\(error.part)' of its date cannot be read")
        }
        try builder.time(.time(date), part: part)
    }

    /// The name of a column for a key of the context.
    private func column(_ key: String?) -> String {
        guard let key, !key.isEmpty else { return "mdc" }
        let name = key.unicodeScalars.prefix { $0 != ":" }.map {
            $0.isASCII && ($0.properties.isAlphabetic || $0.isDigit) ? String($0).lowercased() : "_"
        }
        return name.joined()
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { ("0"..."9").contains(self) }
}
