import Columns

/// The `format` of Python's `logging`, in its three styles: `%(asctime)s %(levelname)-8s %(name)s: %(message)s`,
/// `{asctime} {levelname:<8} {name}: {message}`, `$asctime $levelname $name: $message`.
///
/// Source: "LogRecord attributes" of Python's documentation.
enum PythonLayout {
    /// - Parameter dateFormat: as `datefmt` is, for `strftime`; nil is Python's default.
    static func compile(_ pattern: String, dateFormat: String?) throws(LayoutError) -> LayoutProgram {
        var date = DatePattern.iso
        if let dateFormat {
            do throws(DatePattern.Unknown) {
                date = try DatePattern(strftime: dateFormat)
            } catch {
                throw LayoutError(part: error.part, reason: "this part of a date cannot be read")
            }
        }
        var builder = LayoutBuilder()
        let letters = Array(pattern.unicodeScalars)
        // The style is not said, so that the text can be copied from the program's configuration as it is.
        let isPercent = pattern.utf8.firstRange(of: "%(".utf8) != nil
        let isBraces = !isPercent && letters.contains("{") && !pattern.utf8.starts(with: "$".utf8)
        var at = 0
        while at < letters.count {
            let part = isPercent ? percent(letters, at) : isBraces ? braces(letters, at) : dollar(letters, at)
            guard let part else {
                // Both styles write a sign of their own twice.
                let isDouble =
                    at + 1 < letters.count && letters[at] == letters[at + 1]
                    && (letters[at] == "%" || !isPercent && (letters[at] == "{" || letters[at] == "}" || letters[at] == "$"))
                builder.literal(String(letters[at]).utf8)
                at += isDouble ? 2 : 1
                continue
            }
            try add(part, date, to: &builder)
            at = part.end
        }
        return try builder.finish()
    }

    private struct Part {
        var name: String
        /// What is written behind the name: width and kind.
        var style: String
        var end: Int
    }

    private static func text(_ letters: ArraySlice<Unicode.Scalar>) -> String { String(String.UnicodeScalarView(letters)) }

    private static func percent(_ letters: [Unicode.Scalar], _ at: Int) -> Part? {
        guard letters[at] == "%", at + 1 < letters.count, letters[at + 1] == "(",
            let close = letters[at...].firstIndex(of: ")")
        else { return nil }
        var end = close + 1
        while end < letters.count, !letters[end].properties.isAlphabetic { end += 1 }
        guard end < letters.count else { return nil }
        return Part(name: text(letters[(at + 2)..<close]), style: text(letters[(close + 1)..<end]), end: end + 1)
    }

    private static func braces(_ letters: [Unicode.Scalar], _ at: Int) -> Part? {
        guard letters[at] == "{", at + 1 < letters.count, letters[at + 1] != "{", let close = letters[at...].firstIndex(of: "}")
        else { return nil }
        let inside = letters[(at + 1)..<close]
        let colon = inside.firstIndex(of: ":") ?? close
        let style = colon < close ? text(letters[(colon + 1)..<close]) : ""
        return Part(
            name: text(letters[(at + 1)..<colon]), style: style.utf8.first == UInt8(ascii: "<") ? "-" + style : style,
            end: close + 1)
    }

    private static func dollar(_ letters: [Unicode.Scalar], _ at: Int) -> Part? {
        guard letters[at] == "$", at + 1 < letters.count else { return nil }
        if letters[at + 1] == "{", let close = letters[at...].firstIndex(of: "}") {
            return Part(name: text(letters[(at + 2)..<close]), style: "", end: close + 1)
        }
        var end = at + 1
        while end < letters.count, letters[end].properties.isAlphabetic { end += 1 }
        return end > at + 1 ? Part(name: text(letters[(at + 1)..<end]), style: "", end: end) : nil
    }

    private static func add(_ part: Part, _ date: DatePattern, to builder: inout LayoutBuilder) throws(LayoutError) {
        let hasWidth = part.style.unicodeScalars.contains { $0.isDigit } && !part.style.utf8.starts(with: "0".utf8)
        let isLeft = part.style.utf8.first == UInt8(ascii: "-")
        func add(_ column: String, _ kind: LayoutField.Kind = .text, _ step: (Int) -> LayoutProgram.Step) throws(LayoutError) {
            try builder.field(
                LayoutField(name: column, kind: kind), part: part.name, isRightAligned: hasWidth && !isLeft,
                isLeftAligned: hasWidth && isLeft, step)
        }
        switch part.name {
        case "asctime": try builder.time(.time(date), part: part.name)
        case "created": try builder.time(.time(.epoch), part: part.name)
        case "msecs": try builder.time(.fraction, part: part.name)
        case "levelname": try add("level", .level) { .level($0) }
        case "name": try add("logger") { .word($0) }
        case "message": try add("message") { .text($0) }
        case "process": try add("pid", .integer) { .number($0) }
        case "thread": try add("thread_id", .integer) { .number($0) }
        case "threadName": try add("thread") { .text($0) }
        case "processName": try add("process") { .text($0) }
        case "taskName": try add("task") { .text($0) }
        case "filename", "pathname": try add("source_file") { .word($0) }
        case "module": try add("module") { .word($0) }
        case "funcName": try add("function") { .word($0) }
        case "lineno": try add("source_line", .integer) { .number($0) }
        case "levelno": try add("level_number", .integer) { .number($0) }
        case "relativeCreated": try add("elapsed_ms", .real) { .real($0) }
        default:
            let isName = part.name.utf8.allSatisfy { $0.isASCIILetter || $0.isDigit || $0 == UInt8(ascii: "_") }
            try add(isName ? part.name : "extra") {
                .text($0)
            }
        }
    }
}
