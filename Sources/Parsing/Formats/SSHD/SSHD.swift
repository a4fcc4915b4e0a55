import Columns
import Foundation

/// The log of OpenSSH's server, with the PAM lines that it writes, under any syslog header.
///
/// A message is one entry in ``grammar``. Before the entries are tried, `error: ` and `fatal: ` are taken off the front and `
/// [preauth]` off the end, because they say at which level and in which process sshd spoke, not what it said.
struct SSHD: LogFormat {
    static let name = "sshd"

    /// `source` is an address, or a host name where sshd resolves it; what a line does not say of its source and user is that
    /// of its connection. `outcome` is ``SSHOutcome`` and `stage` ``SSHStage``. `count` is how many events the line is
    /// about (`message repeated 5 times`). `message` is the text of a line that says nothing of sshd (the event `other`), for
    /// its template; what the grammar knows has none. `file` and `offset` lead back to the raw line in bronze.
    static let schema = Schema([
        Field("event_time", .timestamp),
        Field("host", .text, isNullable: true),
        Field("process", .text, isNullable: true),
        Field("pid", .int32, isNullable: true),
        Field("event", .text),
        Field("outcome", .text, isNullable: true),
        Field("stage", .text, isNullable: true),
        Field("user", .text, isNullable: true),
        Field("source", .text, isNullable: true),
        Field("port", .int32, isNullable: true),
        Field("method", .text, isNullable: true),
        Field("count", .int32),
        Field("message", .text, isNullable: true),
        Field("file", .text),
        Field("offset", .int64),
    ])

    static let samples = [
        "Dec 10 06:55:46 gate sshd[24200]: Invalid user webmaster from 192.0.2.31",
        "Dec 10 06:55:48 gate sshd[24200]: Failed password for invalid user webmaster from 192.0.2.31 port 38926 ssh2",
        "Dec 10 07:13:56 gate sshd[24227]: message repeated 5 times: [ Failed password for root from 192.0.2.7 port 51772 ssh2]",
        "2026-11-21T09:32:20.204311+01:00 gate sshd-session[680]: Accepted publickey for deploy from 198.51.100.4 port 49116 "
            + "ssh2: ED25519 SHA256:4q",
        "<38>1 2026-11-21T08:32:20Z gate sshd 680 - - Connection closed by authenticating user root 203.0.113.9 port 4242 "
            + "[preauth]",
    ]

    static let counter: EventCounter? = EventCounter(
        name: "obs_ssh_events_total", help: "Events of sshd by kind and method.",
        labels: [
            ("event", []),
            (
                "method",
                [
                    "password", "publickey", "keyboard-interactive", "keyboard-interactive/pam", "hostbased", "gssapi-with-mic",
                    "none",
                ]
            ),
        ],
        initial: [
            ["failed_password", "password"], ["accepted_password", "password"], ["accepted_publickey", "publickey"],
            ["invalid_user", "none"],
        ])

    private var resolver: StampResolver
    /// The time of the last line that has one: what a line without a stamp takes.
    private var lastTime: Timestamp?
    /// The last line that was understood, for a `last message repeated 4 times` behind it.
    private var lastLine: [UInt8]?

    /// The connections that are being opened, whose lines complete each other.
    private var connections = SSHConnections()
    /// From where users logged in, for the lines of `sudo` and `su`.
    private var logins = SSHLogins()

    /// Of a file that is read whole.
    private var order: LineOrder?
    /// For the places of lines that wait: they come before what ``resolver`` has seen.
    private var orderResolver: StampResolver
    private var dueLines: [FlushedLines] = []

    init(context: ParsingContext) {
        resolver = StampResolver(context: context)
        orderResolver = resolver
        order = context.ordersLines ? LineOrder() : nil
    }

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        guard options.columns.isEmpty else { throw .takesNoColumns(format: Self.name) }
        var context = context
        for setting in options.settings {
            guard setting.key == "order" else { throw .unknownSetting(setting.key, format: Self.name, known: ["order"]) }
            guard ["time", "file"].contains(setting.value) else {
                throw .badSetting("order", value: setting.value, format: Self.name, wanted: "time or file")
            }
            context.ordersLines = context.ordersLines && setting.value == "time"
        }
        self.init(context: context)
    }

    var schema: Schema { Self.schema }

    var state: Data {
        get throws {
            var writer = StateWriter()
            writer.write(try JSONEncoder().encode(resolver.years).map { $0 })
            writer.write(lastTime != nil)
            writer.write(lastTime?.microseconds ?? 0)
            writer.write(lastLine != nil)
            writer.write(lastLine ?? [])
            connections.encode(to: &writer)
            logins.encode(to: &writer)
            writer.write(order != nil)
            order?.encode(to: &writer)
            return writer.data
        }
    }

    mutating func restore(_ state: Data) throws {
        var reader = StateReader(state)
        resolver.years = try JSONDecoder().decode([String: StampResolver.FileYear].self, from: Data(try reader.array()))
        let hasTime = try reader.bool(), time = Timestamp(microseconds: try reader.int64())
        lastTime = hasTime ? time : nil
        let hasLine = try reader.bool(), line = try reader.array()
        lastLine = hasLine ? line : nil
        connections = try SSHConnections(from: &reader)
        logins = try SSHLogins(from: &reader)
        if try reader.bool() { order = try LineOrder(from: &reader) }
        orderResolver = resolver
    }

    mutating func parse(_ lines: Batch) -> ParsedBatch {
        guard order != nil else { return read(lines) }
        if order!.isInOrder { return readWhileInOrder(lines) }
        wait(lines)
        var none = Rows()
        return none.finish(rejected: [])
    }

    mutating func due() -> [FlushedLines] {
        defer { dueLines = [] }
        return dueLines
    }

    mutating func flush() -> FlushedLines? {
        guard let rest = order?.flush() else { return nil }
        return FlushedLines(lines: rest, parsed: read(rest))
    }

    /// Lets lines wait, and reads those whose turn it is.
    private mutating func wait(_ lines: Batch) {
        let keys = keys(of: lines)
        for due in order!.take(lines, keys) {
            let place = dueLines.count
            // Of a file that is in order they are its first lines and what came behind them, where another may be out of order.
            let parsed = order!.isInOrder ? readWhileInOrder(due) : read(due)
            dueLines.insert(FlushedLines(lines: due, parsed: parsed), at: place)
        }
    }

    /// Reads lines as they come, up to one that is older than a line before it: from there on they wait.
    private mutating func readWhileInOrder(_ lines: Batch) -> ParsedBatch {
        let before = self
        let parsed = read(lines)
        guard let end = order!.pass(parsed) else { return parsed }
        self = before
        let first = read(lines.slice(0..<end))
        _ = order!.pass(first)
        order!.beginSorting()
        orderResolver = resolver
        wait(lines.slice(end..<lines.count))
        return first
    }

    /// Where lines belong in the order in which they were written.
    private mutating func keys(of lines: Batch) -> [LineOrder.Key] {
        var runs = TextRuns(lines.columns[1]), last = order!.last
        return (0..<lines.count).map { row in
            _ = runs.isNew(at: row)
            let arrival = Timestamp(microseconds: lines.columns[3].integer(at: row) ?? 0)
            let key = lines.columns[4].withBytes(at: row) { line -> LineOrder.Key? in
                // `last message repeated 4 times` has a stamp, and stays behind the line that it repeats.
                guard RepeatedMessage.read(line) == nil, case .success(let event) = SSHLine.read(line),
                    event.header.stamp != .none,
                    let time = orderResolver.resolve(event.header.stamp, file: runs.text, arrival: arrival)
                else { return nil }
                return LineOrder.Key(time: time.microseconds, rank: event.rank, text: StableHash.of(line))
            }
            // What has no place of its own stays behind the line before it.
            last = key ?? last ?? LineOrder.Key(time: arrival.microseconds, rank: 0, text: 0)
            return last!
        }
    }

    private mutating func read(_ lines: Batch) -> ParsedBatch {
        var rows = Rows()
        rows.reserveCapacity(lines.count)
        var rejected: [RejectedLine] = []
        // The text and not the bytes as they came, so that no column holds what is not UTF-8: those stand in bronze's `raw`.
        let files = lines.columns[1], offsets = lines.columns[2], arrivals = lines.columns[3], texts = lines.columns[4]
        var runs = TextRuns(files)
        var lastRow: Int?
        for row in 0..<lines.count {
            let arrival = Timestamp(microseconds: arrivals.integer(at: row) ?? 0)
            if runs.isNew(at: row) { rows.begin(file: runs.text) }
            let file = runs.text
            let offset = offsets.integer(at: row) ?? 0
            let reason = texts.withBytes(at: row) { line -> RejectionReason? in
                if let repetition = RepeatedMessage.read(line) {
                    // Only a line of this batch or the last one of the batch before is asked for: no line is copied for it.
                    guard let lastRow else {
                        guard let lastLine else { return .unknownMessage }
                        return repeated(
                            lastLine.span, repetition, line, arrival: arrival, file: file, offset: offset, row: row, to: &rows)
                    }
                    return texts.withBytes(at: lastRow) { before in
                        repeated(before, repetition, line, arrival: arrival, file: file, offset: offset, row: row, to: &rows)
                    }
                }
                let reason = append(line, arrival: arrival, file: file, offset: offset, row: row, to: &rows)
                if reason == nil { lastRow = row }
                return reason
            }
            if let reason { rejected.append(RejectedLine(row: row, reason: reason)) }
        }
        if let lastRow {
            lastLine = texts.withBytes(at: lastRow) { line in
                line.count <= MessageGrammar.maxMessageLength ? line.withUnsafeBufferPointer(Array.init) : nil
            }
        }
        return rows.finish(rejected: rejected)
    }

    /// Appends what `line` tells, or says why it tells nothing.
    private mutating func append(
        _ line: Span<UInt8>, arrival: Timestamp, file: String, offset: Int64, row: Int, to rows: inout Rows
    ) -> RejectionReason? {
        var event: SSHLine
        switch SSHLine.read(line) {
        case .success(let read): event = read
        case .failure(let reason): return reason
        }
        guard let time = time(of: event.header.stamp, arrival: arrival, file: file) else { return .badTimestamp }
        complete(&event, of: line, at: time)
        rows.append(event, of: line, connections, time: time, offset: offset, row: row)
        return nil
    }

    /// Appends the event of `before` once more, as often as the line behind it says.
    private mutating func repeated(
        _ before: Span<UInt8>, _ repetition: RepeatedMessage, _ line: Span<UInt8>, arrival: Timestamp, file: String,
        offset: Int64,
        row: Int, to rows: inout Rows
    ) -> RejectionReason? {
        guard case .success(var event) = SSHLine.read(before),
            line.extracting(repetition.host).isEqual(to: before.extracting(event.header.host))
        else { return .unknownMessage }  // other machines write into the same file: which message was repeated nobody knows
        guard let time = time(of: repetition.stamp, arrival: arrival, file: file) else { return .badTimestamp }
        event.count = repetition.count
        complete(&event, of: before, at: time)
        rows.append(event, of: before, connections, time: time, offset: offset, row: row)
        return nil
    }

    /// Adds what other lines said: of the same connection, or of the same user's log-in.
    private mutating func complete(_ event: inout SSHLine, of line: Span<UInt8>, at time: Timestamp) {
        connections.complete(&event, of: line, at: time.microseconds)
        guard event.user.lowerBound >= 0, event.outcome == .success || event.isOfAccounts else { return }
        let host = line.extracting(event.header.host), user = line.extracting(event.user)
        if event.isOfAccounts {
            event.loginSource = logins.source(host, user, at: time.microseconds)
        } else if event.source.lowerBound >= 0 {
            logins.note(host, user, from: line.extracting(event.source), at: time.microseconds)
        }
    }

    /// A line without a stamp is of the time of the line before it; where no line has one, of the time of its arrival.
    private mutating func time(of stamp: SyslogHeader.Stamp, arrival: Timestamp, file: String) -> Timestamp? {
        if stamp == .none { return lastTime ?? arrival }
        guard let time = resolver.resolve(stamp, file: file, arrival: arrival) else { return nil }
        lastTime = time
        return time
    }

    /// The columns of a batch of events as they grow.
    private struct Rows {
        var times = NumberBuilder<Int64>()
        var hosts = DictionaryBuilder()
        var processes = DictionaryBuilder()
        var pids = NumberBuilder<Int32>()
        var events: [UInt32] = []
        var outcomes = NumberBuilder<UInt32>()
        var stages = NumberBuilder<UInt32>()
        var users = DictionaryBuilder()
        var sources = DictionaryBuilder()
        var ports = NumberBuilder<Int32>()
        var methods = DictionaryBuilder()
        var counts = NumberBuilder<Int32>()
        var messages = TextBuilder()
        var files = DictionaryBuilder()
        private var fileCode: UInt32 = 0
        var offsets = NumberBuilder<Int64>()
        var lineRows: [Int32] = []

        mutating func reserveCapacity(_ count: Int) {
            times.reserveCapacity(count)
            pids.reserveCapacity(count)
            ports.reserveCapacity(count)
            counts.reserveCapacity(count)
            offsets.reserveCapacity(count)
            events.reserveCapacity(count)
            outcomes.reserveCapacity(count)
            stages.reserveCapacity(count)
            lineRows.reserveCapacity(count)
        }

        /// The rows that follow are of `file`: its name is entered once per run, not per row.
        mutating func begin(file: String) {
            var file = file
            fileCode = file.withUTF8 { files.code(of: $0.span) }
        }

        mutating func append(
            _ event: SSHLine, of line: Span<UInt8>, _ connections: borrowing SSHConnections, time: Timestamp, offset: Int64,
            row: Int
        ) {
            times.append(time.microseconds)
            if event.header.host.isEmpty { hosts.appendNull() } else { hosts.append(line.extracting(event.header.host)) }
            if event.header.process.isEmpty {
                processes.appendNull()
            } else {
                processes.append(line.extracting(event.header.process))
            }
            pids.append(event.header.pid)
            events.append(event.code)
            outcomes.append(event.outcome.map { SSHD.code(of: $0) })
            stages.append(event.stage.map { UInt32($0.code) })
            if let known = event.knownUser {
                connections.appendUser(at: known, to: &users)
            } else if let user = event.decodedUser {
                users.append(user.span)
            } else if event.user.lowerBound < 0 {
                users.appendNull()
            } else {
                users.append(line.extracting(event.user))
            }
            if let known = event.knownSource {
                connections.appendSource(at: known, to: &sources)
            } else if let known = event.loginSource {
                sources.append(known.span)
            } else if event.source.isEmpty {
                sources.appendNull()
            } else {
                sources.append(line.extracting(event.source))
            }
            ports.append(event.port)
            appendMethod(event, line)
            counts.append(event.count)
            if event.code == SSHD.otherCode {
                let start = min(event.header.message, line.count)
                messages.append(line.extracting(start..<line.trimmedEnd(from: start)))
            } else {
                messages.appendNull()
            }
            files.append(code: fileCode)
            offsets.append(offset)
            lineRows.append(Int32(row))
        }

        private mutating func appendMethod(_ event: SSHLine, _ line: Span<UInt8>) {
            if event.method.lowerBound >= 0 {
                methods.append(line.extracting(event.method))
                return
            }
            if let method = SSHD.impliedMethods[Int(event.code)] { methods.append(utf8: method) } else { methods.appendNull() }
        }

        mutating func finish(rejected: [RejectedLine]) -> ParsedBatch {
            let events = Column(.dictionary(DictionaryValues(codes: events, dictionary: SSHD.eventTexts)))
            let outcomes = outcomes.finish(naming: SSHD.outcomeTexts), stages = stages.finish(naming: SSHD.stageTexts)
            let batch = Batch(
                schema: SSHD.schema,
                columns: [
                    times.finish(), hosts.finish(), processes.finish(), pids.finish(), events, outcomes, stages, users.finish(),
                    sources.finish(),
                    ports.finish(),
                    methods.finish(), counts.finish(), messages.finish(), files.finish(), offsets.finish(),
                ])
            return ParsedBatch(events: batch, lineRows: lineRows, rejected: rejected)
        }
    }
}
