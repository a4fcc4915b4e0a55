import Columns

/// The access logs of web servers: nginx's `log_format` and Apache's `LogFormat`.
///
/// What a client wrote is between quotes, in which both servers escape quotes: a field ends at the first quote without a
/// backslash before it, whatever else the client wrote.
///
/// Sources: nginx's "ngx_http_log_module", Apache's "mod_log_config".
enum WebServerLayout {
    // MARK: nginx

    /// - Parameter pattern: the format, or the whole directive with its name and quotes.
    static func nginx(_ pattern: String) throws(LayoutError) -> LayoutProgram {
        var builder = LayoutBuilder()
        let letters = Array(unquoted(pattern, directive: "log_format").unicodeScalars)
        var at = 0
        while at < letters.count {
            guard letters[at] == "$" else {
                builder.literal(String(letters[at]).utf8)
                at += 1
                continue
            }
            var start = at + 1, end = at + 1
            let isBraced = end < letters.count && letters[end] == "{"
            if isBraced { (start, end) = (end + 1, end + 1) }
            while end < letters.count, letters[end].properties.isAlphabetic || letters[end].isDigit || letters[end] == "_" {
                end += 1
            }
            let name = String(String.UnicodeScalarView(letters[start..<end]))
            if isBraced { end += 1 }
            try add(nginx: name, isQuoted: end < letters.count && letters[end] == "\"", to: &builder)
            at = end
        }
        return try builder.finish()
    }

    /// A directive's texts put together: `log_format main '$remote_addr - ' '"$request"';`.
    private static func unquoted(_ pattern: String, directive: String) -> String {
        guard pattern.utf8.starts(with: directive.utf8) else { return pattern }
        var text = "", quote: Unicode.Scalar?
        for scalar in pattern.unicodeScalars.dropFirst(directive.unicodeScalars.count) {
            if let open = quote {
                if scalar == open { quote = nil } else { text.unicodeScalars.append(scalar) }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
            }
        }
        return text
    }

    private static func add(nginx name: String, isQuoted: Bool, to builder: inout LayoutBuilder) throws(LayoutError) {
        let part = "$\(name)"
        switch name {
        case "time_local": try builder.time(.time(commonTime), part: part)
        case "time_iso8601": try builder.time(.time(.iso), part: part)
        case "msec": try builder.time(.time(.epoch), part: part)
        case "status", "server_port", "remote_port", "connection", "connection_requests", "pid", "body_bytes_sent", "bytes_sent",
            "request_length":
            try builder.field(LayoutField(name: name, kind: .integer, isDashForNone: true), part: part) { .number($0) }
        case "request_time":
            try builder.field(LayoutField(name: name, kind: .real, isDashForNone: true), part: part) { .real($0) }
        case "request": try text(name, .request, isQuoted: isQuoted, part, to: &builder)
        // A user's name may have blanks in it, and of several upstreams nginx writes a list with blanks: these cannot be words.
        case "remote_user", "upstream_addr", "upstream_response_time", "upstream_status", "upstream_connect_time",
            "upstream_header_time", "http_x_forwarded_for":
            try text(name, isQuoted: isQuoted, part, to: &builder)
        default:
            if isQuoted || name.utf8.starts(with: "http_".utf8) {
                try text(name, isQuoted: isQuoted, part, to: &builder)
            } else {
                try builder.field(LayoutField(name: name, isDashForNone: true), part: part) { .word($0) }
            }
        }
    }

    private static func text(
        _ name: String, _ kind: LayoutField.Kind = .text, isQuoted: Bool, _ part: String, to builder: inout LayoutBuilder
    ) throws(LayoutError) {
        try builder.field(LayoutField(name: name, kind: kind, isDashForNone: true), part: part) {
            isQuoted ? .quoted($0) : .text($0)
        }
    }

    /// `10/Oct/2000:13:55:36 -0700`.
    static let commonTime = (try? DatePattern(strftime: "%d/%b/%Y:%H:%M:%S %z")) ?? .iso

    // MARK: Apache

    /// - Parameter pattern: the format, or the whole directive with its name and quotes.
    static func apache(_ pattern: String) throws(LayoutError) -> LayoutProgram {
        var reader = ApacheReader(pattern)
        return try reader.compile()
    }
}

private struct ApacheReader {
    private var builder = LayoutBuilder()
    private let letters: [Unicode.Scalar]
    private var at = 0

    init(_ pattern: String) {
        var letters = Array(pattern.unicodeScalars)
        if pattern.utf8.starts(with: "LogFormat".utf8), let open = letters.firstIndex(of: "\"") {
            // Within the directive's quotes a quote is escaped.
            var text: [Unicode.Scalar] = [], at = open + 1
            while at < letters.count, letters[at] != "\"" {
                if letters[at] == "\\", at + 1 < letters.count { at += 1 }
                text.append(letters[at])
                at += 1
            }
            letters = text
        }
        self.letters = letters
    }

    mutating func compile() throws(LayoutError) -> LayoutProgram {
        while at < letters.count {
            let letter = letters[at]
            if letter == "%" {
                try readConversion()
            } else if letter == "\\", at + 1 < letters.count {
                builder.literal((letters[at + 1] == "t" ? "\t" : String(letters[at + 1])).utf8)
                at += 2
            } else {
                builder.literal(String(letter).utf8)
                at += 1
            }
        }
        return try builder.finish()
    }

    private mutating func readConversion() throws(LayoutError) {
        let start = at
        at += 1
        // `%>s`, `%!200,304{Referer}i`: of which request, and when.
        while at < letters.count,
            letters[at] == ">" || letters[at] == "<" || letters[at] == "!" || letters[at] == "," || letters[at].isDigit
        {
            at += 1
        }
        var option = ""
        if at < letters.count, letters[at] == "{" {
            guard let close = letters[at...].firstIndex(of: "}") else {
                throw LayoutError(part: "%{", reason: "a '}' is missing")
            }
            option = String(String.UnicodeScalarView(letters[(at + 1)..<close]))
            at = close + 1
        }
        guard at < letters.count else { throw LayoutError(part: "%", reason: "nothing is behind it") }
        let letter = letters[at]
        at += 1
        // `%^ti`: conversions of two letters.
        if letter == "^" { at = min(at + 2, letters.count) }
        let part = String(String.UnicodeScalarView(letters[start..<at]))
        try add(letter, option, part, isQuoted: at < letters.count && (letters[at] == "\"" || letters[at] == "\\"))
    }

    private mutating func add(_ letter: Unicode.Scalar, _ option: String, _ part: String, isQuoted: Bool) throws(LayoutError) {
        func number(_ name: String) throws(LayoutError) {
            try builder.field(LayoutField(name: name, kind: .integer, isDashForNone: true), part: part) { .number($0) }
        }
        func word(_ name: String) throws(LayoutError) {
            try builder.field(LayoutField(name: name, isDashForNone: true), part: part) { isQuoted ? .quoted($0) : .word($0) }
        }
        func text(_ name: String, _ kind: LayoutField.Kind = .text) throws(LayoutError) {
            try builder.field(LayoutField(name: name, kind: kind, isDashForNone: true), part: part) {
                isQuoted ? .quoted($0) : .text($0)
            }
        }
        switch letter {
        case "%": builder.literal("%".utf8)
        case "h", "a": try word(option == "c" ? "peer_addr" : "remote_addr")
        case "A": try word("server_addr")
        case "l": try word("remote_logname")
        case "u": try text("remote_user")
        case "t": try addTime(option, part)
        case "r": try text("request", .request)
        case "s": try number("status")
        case "b", "B": try number("body_bytes_sent")
        case "O": try number("bytes_sent")
        case "I": try number("request_length")
        case "S": try number("bytes_transferred")
        case "D": try number("request_time_us")
        case "T": try number(option == "ms" ? "request_time_ms" : option == "us" ? "request_time_us" : "request_time_s")
        case "v", "V": try word("server_name")
        case "p": try number("server_port")
        case "P": try number("pid")
        case "k": try number("connection_requests")
        case "m": try word("method")
        case "U": try text("path")
        case "q": try text("query")
        case "H": try word("protocol")
        case "f": try text("source_file")
        case "L": try word("log_id")
        case "X": try word("connection_status")
        case "R": try word("handler")
        case "i": try text("http_" + column(option))
        case "o": try text("sent_http_" + column(option))
        case "C": try text("cookie_" + column(option))
        case "e", "n": try text(column(option))
        default: throw LayoutError(part: part, reason: "this conversion is not known")
        }
    }

    private mutating func addTime(_ option: String, _ part: String) throws(LayoutError) {
        let date: LayoutProgram.Step
        do throws(DatePattern.Unknown) {
            switch option {
            case "": date = .time(WebServerLayout.commonTime)
            case "sec": date = .time(.epoch)
            case "msec": date = .time(try DatePattern(any: "epoch_ms"))
            case "usec": date = .time(try DatePattern(any: "epoch_us"))
            case "msec_frac", "usec_frac": date = .fraction
            default:
                let colon = option.utf8.starts(with: "begin:".utf8) ? 6 : option.utf8.starts(with: "end:".utf8) ? 4 : 0
                date = .time(try DatePattern(strftime: String(option.unicodeScalars.dropFirst(colon).map(Character.init))))
            }
        } catch {
            throw LayoutError(part: part, reason: "'\(error.part)' of its time cannot be read")
        }
        if option.isEmpty { builder.literal("[".utf8) }
        try builder.time(date, part: part)
        if option.isEmpty { builder.literal("]".utf8) }
    }

    /// The name of a column for a header: `User-Agent` is `user_agent`.
    private func column(_ name: String) -> String {
        name.unicodeScalars.map {
            $0.isASCII && ($0.properties.isAlphabetic || $0.isDigit) ? String($0).lowercased() : "_"
        }.joined()
    }
}
