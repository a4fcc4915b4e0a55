import Columns

/// A column that a layout gives.
struct LayoutField: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case text, integer, real
        /// One of ``LogLevel/names``, whatever the program calls it.
        case level
        /// `GET /index.html HTTP/1.1`, which becomes `method`, `path` and `protocol`.
        case request
    }

    var name: String
    var kind = Kind.text
    /// `-` is written where there is no value.
    var isDashForNone = false
}

/// What a layout found in a line: its time, and for each field where it is written.
struct LayoutMatch: Sendable {
    static let absent = -1 ..< -1

    var stamp = SyslogHeader.Stamp.none
    /// What is added to the time of ``stamp``.
    var microsecond = 0
    /// A time is written where the layout has one, and it does not exist.
    var hasBadTime = false
    /// By the place of a field; a negative start is absent.
    var fields: [Range<Int>] = []
    /// The level, where it is known without its text.
    var level: Int?
    /// What the groups of a pattern took.
    var groups: [Range<Int>] = []

    mutating func begin(_ count: Int) {
        (stamp, microsecond, hasBadTime, level) = (.none, 0, false, nil)
        fields.removeAll(keepingCapacity: true)
        for _ in 0..<count { fields.append(Self.absent) }
    }
}

/// A layout, compiled to steps that read a line from left to right: what is between the fields of a pattern says where
/// they end.
///
/// A field ends at the first place where the rest of the line fits; so a thread's name may have brackets in it, and a logger's a
/// colon. How many places are tried is bounded by ``stepsPerByte``, so a line costs time that is linear in its length; a line
/// that would cost more is not read.
struct LayoutProgram: Sendable {
    enum Step: Sendable {
        /// These bytes.
        case literal([UInt8])
        /// At least so many blanks: where a field is padded.
        case blanks(Int)
        case time(DatePattern)
        /// Digits of a second that are written apart from its time.
        case fraction
        case level(Int)
        /// Digits, with a sign and a fraction where these are let.
        case number(Int), real(Int)
        /// Letters, digits and `. _ $ < > - /`: the name of a class or of a function.
        case name(Int)
        /// No blank.
        case word(Int)
        /// Anything, nothing too.
        case text(Int)
        /// Up to the next quote that no backslash is before.
        case quoted(Int)
        /// Everything to the end.
        case rest(Int)

        /// Whether only what follows says where the field ends.
        var isOpen: Bool {
            switch self {
            case .word, .text, .name: true
            default: false
            }
        }
    }

    /// Bounds what a line costs: two open fields would otherwise be tried at every pair of places.
    static let stepsPerByte = 32

    var steps: [Step] = []
    var fields: [LayoutField] = []

    /// Whether `line` has this layout; then `found` says where its fields are.
    func match(_ line: Span<UInt8>, _ found: inout LayoutMatch) -> Bool {
        found.begin(fields.count)
        var left = line.count * Self.stepsPerByte + 1024
        return take(0, line, 0, &found, &left)
    }

    private func take(_ index: Int, _ line: Span<UInt8>, _ at: Int, _ found: inout LayoutMatch, _ left: inout Int) -> Bool {
        left -= 1
        guard left > 0 else { return false }
        guard index < steps.count else { return at == line.count || isOnlyBlank(line, from: at) }
        switch steps[index] {
        case .literal(let bytes):
            return starts(line, at, bytes) && take(index + 1, line, at + bytes.count, &found, &left)
        case .blanks(let least):
            let end = line.skipBlanks(from: at)
            return end - at >= least && take(index + 1, line, end, &found, &left)
        case .time(let pattern):
            guard let time = pattern.read(line, at: at) else { return false }
            guard let value = time.value else {
                found.hasBadTime = true
                return false
            }
            (found.stamp, found.microsecond) = (value.stamp, value.microsecond)
            return take(index + 1, line, value.end, &found, &left)
        case .fraction:
            var end = at, scale = 100_000
            while end < line.count, line[end].isDigit, end - at < 6 {
                found.microsecond += Int(line[end] &- UInt8(ascii: "0")) * scale
                (scale, end) = (scale / 10, end + 1)
            }
            return take(index + 1, line, end, &found, &left)
        case .level(let field):
            var end = at
            while end < line.count, line[end].isASCIILetter || end > at && line[end].isDigit { end += 1 }
            // klog writes the level and the month without anything between.
            if end - at > 1, LogLevel.code(of: line.extracting(at..<end)) == nil { end = at + 1 }
            guard end > at, LogLevel.code(of: line.extracting(at..<end)) != nil else { return false }
            found.fields[field] = at..<end
            return take(index + 1, line, end, &found, &left)
        case .number(let field):
            return takeNumber(index, field, line, at, isReal: false, &found, &left)
        case .real(let field):
            return takeNumber(index, field, line, at, isReal: true, &found, &left)
        case .quoted(let field):
            // An escaped quote is a client's. It must not end the field, or the client could write the fields behind it.
            var end = at
            while end < line.count, line[end] != UInt8(ascii: "\"") { end += line[end] == UInt8(ascii: "\\") ? 2 : 1 }
            guard end <= line.count else { return false }
            found.fields[field] = at..<end
            return take(index + 1, line, end, &found, &left)
        case .rest(let field):
            found.fields[field] = at..<line.count
            return true
        case .name(let field), .word(let field), .text(let field):
            return takeOpen(index, field, line, at, &found, &left)
        }
    }

    private func takeNumber(
        _ index: Int, _ field: Int, _ line: Span<UInt8>, _ at: Int, isReal: Bool, _ found: inout LayoutMatch, _ left: inout Int
    ) -> Bool {
        let end = numberEnd(line, at, isReal: isReal, field)
        guard end > at else { return false }
        found.fields[field] = at..<end
        return take(index + 1, line, end, &found, &left)
    }

    /// Tries one end of an open field after the other, from the left.
    private func takeOpen(
        _ index: Int, _ field: Int, _ line: Span<UInt8>, _ at: Int, _ found: inout LayoutMatch, _ left: inout Int
    ) -> Bool {
        let step = steps[index]
        let isText = if case .text = step { true } else { false }
        let isName = if case .name = step { true } else { false }
        if index + 1 == steps.count {
            let end = isText ? line.count : line.wordOfHeader(from: at)
            found.fields[field] = at..<end
            return end == line.count || isOnlyBlank(line, from: end)
        }
        var end = at
        while end <= line.count {
            if canBegin(steps[index + 1], line, end) {
                found.fields[field] = at..<end
                if isText || end > at, take(index + 1, line, end, &found, &left) {
                    // A step behind may not have set it again.
                    found.fields[field] = at..<end
                    return true
                }
                if left <= 0 { return false }
            }
            guard end < line.count, isText || (isName ? isOfName(line[end]) : line[end] > 0x20) else { return false }
            end += 1
        }
        return false
    }

    /// A first look at what follows an open field, so that nearly no place is tried in vain.
    @inline(__always) private func canBegin(_ step: Step, _ line: Span<UInt8>, _ at: Int) -> Bool {
        switch step {
        case .literal(let bytes): at < line.count && line[at] == bytes[0]
        case .blanks(let least): least == 0 || at < line.count && line[at] == UInt8(ascii: " ")
        default: true
        }
    }

    private func starts(_ line: Span<UInt8>, _ at: Int, _ bytes: [UInt8]) -> Bool {
        guard at + bytes.count <= line.count else { return false }
        for index in bytes.indices where line[at + index] != bytes[index] { return false }
        return true
    }

    private func numberEnd(_ line: Span<UInt8>, _ at: Int, isReal: Bool, _ field: Int) -> Int {
        var end = at
        if end < line.count, line[end] == UInt8(ascii: "-") {
            end += 1
            if fields[field].isDashForNone, end == line.count || !line[end].isDigit { return end }
        }
        let digits = end
        while end < line.count, line[end].isDigit || isReal && line[end] == UInt8(ascii: ".") { end += 1 }
        return end > digits ? end : at
    }

    private func isOfName(_ byte: UInt8) -> Bool {
        byte.isDigit || byte.isASCIILetter || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
            || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "/")
            || byte >= 0x80
    }

    private func isOnlyBlank(_ line: Span<UInt8>, from start: Int) -> Bool {
        line.skipBlanks(from: start) == line.count
    }
}

extension UInt8 {
    var isASCIILetter: Bool { self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "z") }
}
