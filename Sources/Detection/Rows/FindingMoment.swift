import Columns

/// A moment at which a rule held, as rules with `on: findings` see it: a row with `event_time`, `rule`, `severity` and a column
/// for each label.
///
/// They see each such moment and not what is reported, because when a finding is reported again follows from where batches end.
struct FindingMoment {
    /// Of the event that completed it, or at which something was missing.
    let time: Timestamp
    let rule: String
    let severity: Severity
    let labels: Labels
    /// The line that completed it.
    let line: LineReference
    /// Its text, where the cache of evidence may not have it.
    var text: Evidence?
}

extension FindingMoment {
    /// Of what a model found.
    init(_ finding: Finding) {
        let text = finding.evidence.last ?? Evidence(file: finding.name, offset: 0, line: finding.title, time: finding.lastSeen)
        self.init(
            time: finding.lastSeen, rule: finding.name, severity: finding.severity, labels: finding.labels,
            line: LineReference(
                time: finding.lastSeen.microseconds, name: LineSet.name(text: StableHash.of(text.line))), text: text)
    }
}

extension [FindingMoment] {
    /// By time; of one time in the order in which they were found.
    var inOrder: [FindingMoment] {
        enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }

    /// As rows.
    var rows: Batch {
        let reserved: Set = ["event_time", "rule", "severity", "count"]
        let names = Set(lazy.flatMap(\.labels.keys)).subtracting(reserved).sorted()
        var times = NumberBuilder<Int64>(), rules = DictionaryBuilder(), severities = DictionaryBuilder()
        var labels = names.map { _ in DictionaryBuilder() }
        for moment in self {
            times.append(moment.time.microseconds)
            rules.append(utf8: moment.rule)
            severities.append(utf8: moment.severity.rawValue)
            for (index, name) in names.enumerated() {
                if let value = moment.labels[name] { labels[index].append(utf8: value) } else { labels[index].appendNull() }
            }
        }
        return Batch(
            schema: Schema(
                [Field("event_time", .timestamp), Field("rule", .text), Field("severity", .text)]
                    + names.map { Field($0, .text, isNullable: true) }),
            columns: [times.finish(), rules.finish(), severities.finish()] + labels.indices.map { labels[$0].finish() })
    }
}
