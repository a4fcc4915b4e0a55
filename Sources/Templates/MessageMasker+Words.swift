/// What a pass over a word found.
struct WordShape {
    /// Where the word ends, without joiners at its end.
    var end = 0
    var digits = 0
    /// A digit follows neither a letter nor a digit: `blk_17`, `-1`, `10.0.0.7`, `0x1F`.
    var hasLoneDigit = false
    var slashes = 0
    /// Dots with a letter or digit on both sides.
    var innerDots = 0
}

extension MaskScan {
    /// A word: kept, or masked for its look or its place.
    @inline(__always)
    mutating func word(_ line: Span<UInt8>) {
        if let next = colonHex(line) { return maskUp(to: next, line) }
        var wordEnd = at
        let shape = shape(line, &wordEnd)
        if shape.hasLoneDigit || shape.digits >= 2 || looksVariable(line, shape) || standsForValue(line, shape, wordEnd) {
            var maskEnd = shape.end
            while maskEnd < wordEnd && byteClass(line, maskEnd) & ByteClass.slash != 0 { maskEnd += 1 }
            maskUp(to: maskEnd, line)
            if maskEnd < wordEnd { keep(line, maskEnd, wordEnd) }
        } else {
            keep(line, at, wordEnd)
        }
    }

    /// Scans the word at `at`. Two dots or more together end it, and are a word of their own: `enable......0`.
    @inline(__always)
    private func shape(_ line: Span<UInt8>, _ wordEnd: inout Int) -> WordShape {
        var shape = WordShape()
        var index = at
        var previous: UInt8 = 0
        while index < end {
            let kind = byteClass(line, index)
            if kind & ByteClass.endsWord != 0 { break }
            if kind & ByteClass.digit != 0 {
                shape.digits += 1
                if previous & ByteClass.alphanumeric == 0 { shape.hasLoneDigit = true }
            } else if kind & ByteClass.dot != 0 {
                let next = index + 1 < end ? byteClass(line, index + 1) : 0
                if next & ByteClass.dot != 0 { break }
                if previous & ByteClass.alphanumeric != 0 && next & ByteClass.alphanumeric != 0 { shape.innerDots += 1 }
            } else if kind & ByteClass.slash != 0 {
                shape.slashes += 1
            }
            previous = kind
            index += 1
        }
        if index == at { while index < end && byteClass(line, index) & ByteClass.dot != 0 { index += 1 } }
        wordEnd = index
        shape.end = trimmed(line, index, &shape)
        return shape
    }

    @inline(__always)
    private func trimmed(_ line: Span<UInt8>, _ wordEnd: Int, _ shape: inout WordShape) -> Int {
        var last = wordEnd
        while last > at + 1 && byteClass(line, last - 1) & ByteClass.joiner != 0 {
            last -= 1
            if byteClass(line, last) & ByteClass.slash != 0 { shape.slashes -= 1 }
        }
        return last
    }

    /// Paths, component names (`com.x.app/.Main`) and hexadecimal ids with at most one digit.
    @inline(__always)
    private func looksVariable(_ line: Span<UInt8>, _ shape: WordShape) -> Bool {
        if shape.slashes >= 2 { return shape.end - at > 2 }
        if shape.slashes == 1 && shape.innerDots >= 1 { return true }
        let length = shape.end - at
        guard length >= 8 || (length >= 5 && shape.digits > 0) else { return false }
        for index in at..<shape.end where byteClass(line, index) & ByteClass.hex == 0 { return false }
        return true
    }

    /// Words that are parameters because of what is beside them.
    @inline(__always)
    private func standsForValue(_ line: Span<UInt8>, _ shape: WordShape, _ wordEnd: Int) -> Bool {
        if shape.innerDots > 0 {
            if isHostBeforePort(line, shape, wordEnd) { return true }
            if shape.innerDots >= 2 && followsKey(line) { return true }
        }
        if shape.end - at == 3 && isPartOfDate(line, shape.end) { return true }
        return followsUser(line)
    }

    /// `proxy.example.org:8080`, `Main.java:113`.
    private func isHostBeforePort(_ line: Span<UInt8>, _ shape: WordShape, _ wordEnd: Int) -> Bool {
        shape.end == wordEnd && wordEnd + 1 < end && line[wordEnd] == UInt8(ascii: ":")
            && byteClass(line, wordEnd + 1) & ByteClass.digit != 0
    }

    /// A name in several parts is a value after `key=`, `key:` and `key = `.
    private func followsKey(_ line: Span<UInt8>) -> Bool {
        guard at > 0, byteClass(line, at) & ByteClass.letter != 0 else { return false }
        switch line[at - 1] {
        case UInt8(ascii: "="), UInt8(ascii: ":"): return true
        case UInt8(ascii: " "): return at > 1 && line[at - 2] == UInt8(ascii: "=")
        default: return false
        }
    }

    /// The name in `for user NAME`, `invalid user NAME` and `illegal user NAME` of sshd and PAM.
    @inline(__always)
    private func followsUser(_ line: Span<UInt8>) -> Bool {
        guard at >= 9, line[at - 1] == UInt8(ascii: " "), line[at - 2] == UInt8(ascii: "r") else { return false }
        guard matches(line, " user ", endingAt: at), byteClass(line, at) & ByteClass.alphanumeric != 0 else { return false }
        return ["for", "invalid", "illegal"].contains { matches(line, $0, endingAt: at - 6) }
    }

    private func matches(_ line: Span<UInt8>, _ word: StaticString, endingAt limit: Int) -> Bool {
        let count = word.utf8CodeUnitCount
        guard limit >= count, limit <= line.count else { return false }
        return word.withUTF8Buffer { bytes in
            for index in 0..<count where line[limit - count + index] != bytes[index] { return false }
            return true
        }
    }

    /// A short name of a day or month, with a number or a month after it.
    private func isPartOfDate(_ line: Span<UInt8>, _ wordEnd: Int) -> Bool {
        guard line[at] & 0x20 == 0, Calendar.isDayOrMonth(line, at) else { return false }
        var next = wordEnd
        while next < min(end, wordEnd + 3) && (line[next] == UInt8(ascii: " ") || line[next] == UInt8(ascii: ",")) { next += 1 }
        guard next > wordEnd, next < end else { return false }
        return byteClass(line, next) & ByteClass.digit != 0 || (next + 3 <= end && Calendar.isMonth(line, next))
    }

    /// The end of a MAC or IPv6 address, or of a time, that begins here: groups of up to four hexadecimal digits between
    /// colons, at least four (three with `::`), with a digit among them.
    @inline(__always)
    private func colonHex(_ line: Span<UInt8>) -> Int? {
        guard byteClass(line, at) & ByteClass.hex != 0 else { return nil }
        var index = at
        while index < min(end, at + 5) && byteClass(line, index) & ByteClass.hex != 0 { index += 1 }
        guard index < end, index - at <= 4, line[index] == UInt8(ascii: ":") else { return nil }
        return colonHexEnd(line)
    }

    private func colonHexEnd(_ line: Span<UInt8>) -> Int? {
        var index = at
        var groups = 0, length = 0
        var hasDigit = false, hasGap = false
        while index < end {
            let kind = byteClass(line, index)
            if kind & ByteClass.hex != 0 {
                length += 1
                if length > 4 { return nil }
                hasDigit = hasDigit || kind & ByteClass.digit != 0
            } else if line[index] == UInt8(ascii: ":") && index + 1 < end
                && (byteClass(line, index + 1) & ByteClass.hex != 0 || line[index + 1] == UInt8(ascii: ":"))
            {
                groups += 1
                hasGap = hasGap || length == 0
                length = 0
            } else {
                break
            }
            index += 1
        }
        let isClean = index >= end || byteClass(line, index) & ByteClass.alphanumeric == 0 && line[index] != UInt8(ascii: "_")
        return isClean && hasDigit && length > 0 && groups >= (hasGap ? 2 : 3) ? index : nil
    }

    /// The end of `<*>` in the message itself, or of a duration that is only bounded: `<1 sec`.
    func masklike(_ line: Span<UInt8>) -> Int? {
        if at + 2 < end && line[at + 1] == UInt8(ascii: "*") && line[at + 2] == UInt8(ascii: ">") { return at + 3 }
        var index = at + 1
        while index < min(end, at + 20) && byteClass(line, index) & ByteClass.digit != 0 { index += 1 }
        guard index > at + 1, index < end, line[index] == UInt8(ascii: " ") else { return nil }
        let unit = index + 1
        index = unit
        while index < min(end, unit + 8) && byteClass(line, index) & ByteClass.letter != 0 { index += 1 }
        let isUnit = ["s", "ms", "us", "min", "sec", "secs", "seconds"].contains { (word: StaticString) in
            word.utf8CodeUnitCount == index - unit && matches(line, word, endingAt: index)
        }
        return isUnit ? index : nil
    }

    /// Behind the closing quote of a short value that follows `key=` or `key:`; nil if it holds no letter or digit.
    func quotedValue(_ line: Span<UInt8>) -> Int? {
        guard at > 0, line[at - 1] == UInt8(ascii: "=") || line[at - 1] == UInt8(ascii: ":") else { return nil }
        var index = at + 1
        var hasWord = false
        while index < min(end, at + 42) {
            if line[index] == UInt8(ascii: "\"") { return hasWord ? index + 1 : nil }
            if line[index] == UInt8(ascii: "=") { return nil }
            hasWord = hasWord || byteClass(line, index) & ByteClass.alphanumeric != 0
            index += 1
        }
        return nil
    }
}

/// English short names of days and months, as `asctime` and syslog write them.
enum Calendar {
    @inline(__always)
    static func isDayOrMonth(_ line: Span<UInt8>, _ at: Int) -> Bool {
        let name = packed(line, at)
        return days.contains(name) || months.contains(name)
    }

    static func isMonth(_ line: Span<UInt8>, _ at: Int) -> Bool { months.contains(packed(line, at)) }

    private static func packed(_ line: Span<UInt8>, _ at: Int) -> UInt32 {
        UInt32(line[at]) << 16 | UInt32(line[at + 1]) << 8 | UInt32(line[at + 2])
    }

    private static func pack(_ names: [StaticString]) -> [UInt32] {
        names.map { name in name.withUTF8Buffer { UInt32($0[0]) << 16 | UInt32($0[1]) << 8 | UInt32($0[2]) } }
    }

    private static let days = pack(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    private static let months = pack([
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ])
}
