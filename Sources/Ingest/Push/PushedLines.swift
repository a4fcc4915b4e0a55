import Columns
import Parsing

/// What pushed records become: the lines of a log, as the formats of obs read them.
///
/// A record is a text with labels or attributes beside it. In a source of text a line is the text as it was sent; where the
/// record says which program wrote it, as what shippers make of journald and syslog does, the line gets the header that the
/// formats of syslog lines read. In a source of JSON nothing of a record is lost: a line is an object.
struct PushedLines {
    private let targets: [PushTarget]
    /// The target that the address names; nil where the labels choose.
    private let named: Int?
    /// By target.
    private(set) var texts: [[UInt8]]
    private(set) var accepted = 0
    private(set) var refused = 0
    /// Why the first was refused.
    private(set) var refusal: String?

    init(_ targets: [PushTarget], named: Int? = nil) {
        self.targets = targets
        self.named = named
        texts = [[UInt8]](repeating: [], count: targets.count)
    }

    /// The source that records with these labels go to: that of the address, or else the first by name whose matchers hold, or
    /// else the only one without matchers. Nil where there is none.
    func target(for labels: Labels) -> Int? {
        if let named { return named }
        if let chosen = targets.firstIndex(where: { !$0.matchers.isEmpty && $0.matchers.match(labels) }) { return chosen }
        let open = targets.indices.filter { targets[$0].matchers.isEmpty }
        return open.count == 1 ? open[0] : nil
    }

    /// Whether a target takes JSON.
    func takesJSON(_ target: Int) -> Bool { targets[target].lines == .json }

    /// Counts records that go nowhere.
    mutating func refuse(_ count: Int, labels: Labels) {
        guard count > 0 else { return }
        let sources = targets.map(\.name).joined(separator: ", ")
        refuse(
            count,
            "no source takes records with the labels \(labels); "
                + (targets.isEmpty
                    ? "name one with 'http: true' in obs.yaml"
                    : "give one of the sources (\(sources)) a 'match' that holds, or name it in the address"))
    }

    /// Counts records that are not taken.
    mutating func refuse(_ count: Int, _ sentence: String) {
        refused += count
        refusal = refusal ?? sentence
    }

    /// Takes lines as they were sent, for the target of the address.
    mutating func take(_ text: [UInt8]) {
        guard let named else { return }
        texts[named] = text
        accepted = text.count { $0 == 10 } + (text.last == 10 ? 0 : 1)
    }

    /// Adds a line to a target's text: `write` appends it without its end.
    mutating func add(to target: Int, _ write: (inout [UInt8]) -> Void) {
        let start = texts[target].count
        write(&texts[target])
        guard texts[target].count - start < RawLines.maxLineLength else {
            texts[target].removeLast(texts[target].count - start)
            return refuse(1, "a line is longer than \(RawLines.maxLineLength) bytes; send shorter ones")
        }
        texts[target].append(10)
        accepted += 1
    }
}

/// What labels and attributes say of the program that wrote a text, under the names that shippers give to it.
struct PushedOrigin {
    var program: [UInt8] = [], host: [UInt8] = [], pid: [UInt8] = []

    /// Of syslog, journald, the Elastic Common Schema and OpenTelemetry's conventions. Labels such as `job` and `app` are not
    /// here, because they group what was sent and say nothing of a program.
    private static let programs = [
        "SYSLOG_IDENTIFIER", "syslog_identifier", "syslog.identifier", "log.syslog.appname", "appname", "app_name", "ident",
        "program",
        "process.name", "process.executable.name",
    ]
    private static let hosts = ["_HOSTNAME", "host.hostname", "host.name", "hostname", "host", "nodename"]
    private static let pids = [
        "_PID", "SYSLOG_PID", "log.syslog.procid", "syslog.pid", "process.pid", "procid", "proc_id", "pid",
    ]

    /// - Parameter value: gives the text or number under a name, or nil.
    init(_ value: (String) -> String?) { fill(value) }

    /// Takes what is not known yet.
    mutating func fill(_ value: (String) -> String?) {
        func first(_ names: [String]) -> [UInt8] { names.lazy.compactMap(value).first.map { Array($0.utf8) } ?? [] }
        if program.isEmpty { program = first(Self.programs) }
        if host.isEmpty { host = first(Self.hosts) }
        if pid.isEmpty { pid = first(Self.pids) }
    }

    /// Appends a text as a line: with a header where the program is known.
    func append(_ message: Span<UInt8>, time: Timestamp?, to line: inout [UInt8]) {
        guard !program.isEmpty else { return SyslogLine.append(message: message, to: &line) }
        SyslogLine.append(time: time ?? .now, host: host, program: program, pid: pid, message: message, to: &line)
    }
}

extension JSON {
    /// The text or whole number under a name, in which a dot may also part the names of objects within each other.
    func word(_ path: String) -> String? {
        guard let value = value(path[...]) else { return nil }
        return value.text ?? value.integer.map { String($0) }
    }

    private func value(_ path: Substring) -> JSON? {
        if let value = self[String(path)] { return value }
        guard let dot = path.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        return self[String(path[..<dot])]?.value(path[path.utf8.index(after: dot)...])
    }

    /// The text of a record among its fields, under the names that shippers give to it.
    var messageOfRecord: String? { ["MESSAGE", "message", "log", "msg"].lazy.compactMap { self[$0]?.text }.first }

    /// When a record says that it was written: ISO 8601, or the milliseconds of Elasticsearch.
    var timeOfRecord: Timestamp? {
        for name in ["@timestamp", "timestamp", "time"] {
            if let text = self[name]?.text, let time = ISOTime.read(text.utf8.span), time.isValid { return time.timestamp }
            if let number = self[name]?.integer,
                let time = Timestamp(nanoseconds: number.multipliedReportingOverflow(by: 1_000_000))
            {
                return time
            }
        }
        return nil
    }
}

extension Timestamp {
    /// Nil for 0 and below: what a sender says that does not know the time.
    init?(nanoseconds: Int64) {
        guard nanoseconds > 0 else { return nil }
        self.init(microseconds: nanoseconds / 1000)
    }

    fileprivate init?(nanoseconds: (partialValue: Int64, overflow: Bool)) {
        guard !nanoseconds.overflow else { return nil }
        self.init(nanoseconds: nanoseconds.partialValue)
    }
}
