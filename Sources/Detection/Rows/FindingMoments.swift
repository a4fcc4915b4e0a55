import Columns

/// The moments at which rules held, as rules with `on: findings` see them: rows with `event_time`, `rule`, `severity` and a
/// column for each label.
///
/// They see each such moment and not what is reported, because when a finding is reported again follows from where batches end.
struct FindingMoments {
    /// What many moments may be about.
    struct Subject {
        let rule: String
        let severity: Severity
        let labels: Labels
    }

    private struct Moment {
        /// Of the event that completed it, or at which something was missing.
        let time: Int64
        let subject: Int
        /// The line that completed it.
        let line: LineReference
    }

    private var subjects: [Subject] = []
    private var moments: [Moment] = []
    /// By moment, where the cache of evidence may not have its line.
    private var texts: [LineReference: Evidence] = [:]

    var isEmpty: Bool { moments.isEmpty }
    var times: [Int64] { moments.map(\.time) }

    /// Begins moments that are about something else than those before.
    mutating func begin(_ subject: Subject) { subjects.append(subject) }

    /// Adds one of the last subject.
    mutating func add(at time: Int64, line: LineReference) {
        moments.append(Moment(time: time, subject: subjects.count - 1, line: line))
    }

    /// Adds what a model found.
    mutating func add(_ finding: Finding) {
        let text = finding.evidence.last ?? Evidence(file: finding.name, offset: 0, line: finding.title, time: finding.lastSeen)
        let time = finding.lastSeen.microseconds
        let line = LineReference(time: time, name: LineSet.name(text: StableHash.of(text.line)))
        begin(Subject(rule: finding.name, severity: finding.severity, labels: finding.labels))
        add(at: time, line: line)
        texts[line] = text
    }

    /// Puts them into the order of time; those of one time stay in the order in which they were found.
    mutating func sort() {
        let order = moments.indices.sorted { (moments[$0].time, $0) < (moments[$1].time, $1) }
        moments = order.map { moments[$0] }
    }

    func line(_ row: Int) -> LineReference { moments[row].line }

    func text(_ row: Int) -> Evidence? { texts[moments[row].line] }

    /// As rows.
    var rows: Batch {
        let reserved: Set = ["event_time", "rule", "severity", "count"]
        let names = Set(subjects.lazy.flatMap(\.labels.keys)).subtracting(reserved).sorted()
        let columns =
            [column { $0.rule }, column { $0.severity.rawValue }] + names.map { name in column { $0.labels[name] } }
        var times = NumberBuilder<Int64>()
        for moment in moments { times.append(moment.time) }
        return Batch(
            schema: Schema(
                [Field("event_time", .timestamp), Field("rule", .text), Field("severity", .text)]
                    + names.map { Field($0, .text, isNullable: true) }), columns: [times.finish()] + columns)
    }

    private func column(_ value: (Subject) -> String?) -> Column {
        var builder = DictionaryBuilder()
        let codes = subjects.map { subject in value(subject).map { builder.code(utf8: $0) } }
        for moment in moments {
            if let code = codes[moment.subject] { builder.append(code: code) } else { builder.appendNull() }
        }
        return builder.finish()
    }
}
