import Columns

/// One way in which a ``Layout`` reads lines; a layout may have several, of which the first that fits counts.
enum LayoutReader: Sendable {
    case program(LayoutProgram)
    case expression(LayoutExpression)
    /// Any header of syslog, with the program as component.
    case syslog
    /// The layouts of ``Log4jHeader``.
    case java

    var fields: [LayoutField] {
        switch self {
        case .program(let program): program.fields
        case .expression(let expression): expression.fields
        case .syslog: Self.syslogFields
        case .java: Self.javaFields
        }
    }

    private static let syslogFields = [
        LayoutField(name: "host"), LayoutField(name: "process"), LayoutField(name: "pid", kind: .integer),
        LayoutField(name: "message"),
    ]
    private static let javaFields = [
        LayoutField(name: "level", kind: .level), LayoutField(name: "thread"), LayoutField(name: "logger"),
        LayoutField(name: "message"),
    ]

    /// Whether `line` begins an event; then `found` says where its fields are.
    func read(_ line: Span<UInt8>, _ found: inout LayoutMatch) -> Bool {
        switch self {
        case .program(let program): return program.match(line, &found)
        case .expression(let expression): return expression.match(line, &found)
        case .syslog: return Self.readSyslog(line, &found)
        case .java: return Self.readJava(line, &found)
        }
    }

    private static func readSyslog(_ line: Span<UInt8>, _ found: inout LayoutMatch) -> Bool {
        found.begin(syslogFields.count)
        switch SyslogHeader.parse(line) {
        // A line without a stamp continues an event. It must not begin one, since any sentence can look like a header.
        case .success(let header) where header.stamp != .none:
            found.stamp = header.stamp
            if !header.host.isEmpty { found.fields[0] = header.host }
            if !header.process.isEmpty { found.fields[1] = header.process }
            if header.pid != nil { found.fields[2] = digits(line, behind: header.process) }
            found.fields[3] = min(header.message, line.count)..<line.count
            return true
        case .failure(.badTimestamp):
            found.hasBadTime = true
            return false
        default: return false
        }
    }

    /// The process id in the brackets behind a name.
    private static func digits(_ line: Span<UInt8>, behind name: Range<Int>) -> Range<Int> {
        var start = name.upperBound
        while start < line.count, !line[start].isDigit, start - name.upperBound < 4 { start += 1 }
        var end = start
        while end < line.count, line[end].isDigit { end += 1 }
        return end > start ? start..<end : LayoutMatch.absent
    }

    private static func readJava(_ line: Span<UInt8>, _ found: inout LayoutMatch) -> Bool {
        found.begin(javaFields.count)
        switch Log4jHeader.read(line) {
        case .success(let header):
            found.stamp = header.stamp
            found.level = header.level
            if !header.thread.isEmpty { found.fields[1] = header.thread }
            if !header.logger.isEmpty { found.fields[2] = header.logger }
            found.fields[3] = min(header.message, line.count)..<line.count
            return true
        case .failure(.badTimestamp):
            found.hasBadTime = true
            return false
        case .failure: return false
        }
    }
}

/// A pattern of the user's own, whose named groups are the fields: `(?P<time>\S+) (?P<level>\w+) (?P<message>.*)`. RE2 reads it,
/// in time that is linear in the line.
struct LayoutExpression: Sendable {
    let fields: [LayoutField]
    private let expression: RegularExpression
    /// By group, the place of its field; nil for the time and for groups without a name.
    private let places: [Int?]
    private let timeGroup: Int?
    private let date: DatePattern?

    /// Names of the group that has the time.
    static let timeNames: Set<String> = ["time", "event_time", "timestamp", "ts"]

    /// - Parameters:
    ///   - date: how the time is written; nil takes whatever syslog or Java would write.
    ///   - types: of groups that are not text.
    init(_ pattern: String, date: DatePattern?, types: [String: LayoutField.Kind]) throws(LayoutError) {
        do throws(RegularExpression.Malformed) {
            expression = try RegularExpression(pattern, captures: true)
        } catch {
            throw LayoutError(part: "", reason: error.reason)
        }
        self.date = date
        var fields: [LayoutField] = [], places: [Int?] = [], timeGroup: Int?
        for (index, name) in expression.groupNames.enumerated() {
            guard let name, !Self.timeNames.contains(name) else {
                if name != nil { timeGroup = index }
                places.append(nil)
                continue
            }
            let kind = types[name] ?? (name == "level" ? .level : name == "request" ? .request : .text)
            places.append(fields.count)
            fields.append(LayoutField(name: name == "component" ? "logger" : name, kind: kind))
        }
        guard !fields.isEmpty else {
            throw LayoutError(part: "", reason: "it names no group; write (?P<message>.*) for a field")
        }
        (self.fields, self.places, self.timeGroup) = (fields, places, timeGroup)
    }

    func match(_ line: Span<UInt8>, _ found: inout LayoutMatch) -> Bool {
        found.begin(fields.count)
        guard expression.captures(line, into: &found.groups) else { return false }
        for (group, place) in places.enumerated() {
            if let place, found.groups[group].lowerBound >= 0 { found.fields[place] = found.groups[group] }
        }
        guard let timeGroup, found.groups[timeGroup].lowerBound >= 0 else { return true }
        let range = found.groups[timeGroup]
        let text = line.extracting(range)
        if let date {
            // All of the group must be the time; otherwise a zone that the format leaves out would be lost in silence.
            guard let time = date.read(text, at: 0)?.value, time.end == text.count else {
                found.hasBadTime = true
                return false
            }
            (found.stamp, found.microsecond) = (time.stamp, time.microsecond)
            return true
        }
        guard
            let (stamp, end) = SyslogHeader.anyStamp(text, at: 0) ?? Log4jHeader.stamp(text, at: 0)?.value
                ?? DatePattern.epoch.read(text, at: 0)?.value.map({ ($0.stamp, $0.end) }), end == text.count
        else {
            found.hasBadTime = true
            return false
        }
        found.stamp = stamp
        return true
    }
}
