import Columns
import Detection
import Incidents
import Query

/// What came of a trial of rules: a row per rule, per day and per finding.
public struct RuleTrialReport: Sendable {
    /// A row for each rule that was tried.
    public let summary: Answer
    /// A row for each rule and day (UTC) on which it found something.
    public let days: Answer
    /// A row for each finding, by time; with those that only the rules in force have, when they are compared.
    public let findings: Answer
    /// How many rows were read, those before the range too that rules learn from.
    public let rows: Int
    /// What a reader should know of it, one sentence each.
    public let notes: [String]
    private let since: Timestamp
    private let until: Timestamp

    /// Where a finding was found.
    private enum Side: String {
        case both
        case onlyHere = "only here"
        case onlyInForce = "only in force"
    }

    /// A finding and what goes with it.
    private struct Line {
        var found: TrialFindings.Found
        var joined: TrialIncidents.Joined?
        var side: Side?
        /// How much earlier than the rule in force.
        var earlier: Duration?

        var rule: String { found.finding.name }
        /// How much earlier than its incident was opened.
        var gained: Double? { joined?.openedAt.map { ($0 - found.at).inSeconds } }
        var day: String { String(found.at.description.prefix(10)) }
    }

    /// - Parameters:
    ///   - tried: the findings of `rules`, as many as there are.
    ///   - inForce: those of the rules of the same names that are in force; nil when they are not compared.
    init(
        _ rules: [DetectionEntry], tried: TrialFindings, inForce: TrialFindings?, rows: Int, incidents: TrialIncidents,
        since: Timestamp, until: Timestamp, notes: [String]
    ) {
        (self.rows, self.since, self.until, self.notes) = (rows, since, until, notes)
        var incidents = incidents
        let names = Set(rules.map(\.name))
        let found = tried.found(since: since, rules: names), others = inForce?.found(since: since, rules: names)
        var comparison = TrialComparison(inForce: others ?? [], tried: found)
        var lines = found.map { one in
            var line = Line(found: one, joined: incidents.joined(by: one.finding))
            guard others != nil else { return line }
            let partner = comparison.partner(of: one)
            line.side = partner == nil ? .onlyHere : .both
            line.earlier = partner.map { $0.at - one.at }
            return line
        }
        lines += comparison.rest.map { Line(found: $0, side: .onlyInForce) }
        lines.sort { $0.found.at < $1.found.at }
        findings = Self.findings(lines, rules, compares: others != nil)
        days = Self.days(lines)
        summary = Self.summary(rules, lines, incidents, since...until, compares: others != nil)
    }

    /// `{"since": …, "until": …, "rows": …, "rules": [...], "days": [...], "findings": [...]}`.
    public var json: String {
        func list(_ answer: Answer) -> String { answer.rendered(as: .json).split(separator: "\n").joined(separator: "\n  ") }
        return """
            {
              "since": "\(since)", "until": "\(until)", "rows": \(rows),
              "rules": \(list(summary)),
              "days": \(list(days)),
              "findings": \(list(findings))
            }

            """
    }

    // MARK: Rules

    private static func summary(
        _ rules: [DetectionEntry], _ lines: [Line], _ incidents: TrialIncidents, _ range: ClosedRange<Timestamp>, compares: Bool
    ) -> Answer {
        var columns: [(String, ColumnType)] = [
            ("rule", .text), ("severity", .text), ("findings", .int64), ("groups", .int64), ("per_day", .double),
            ("most_a_day", .int64), ("join", .int64), ("right", .int64), ("wrong", .int64), ("precision", .double),
            ("missed", .int64), ("avoided", .int64), ("gained_p50_seconds", .double),
        ]
        if compares {
            columns += [("both", .int64), ("only_here", .int64), ("only_in_force", .int64), ("earlier_p50_seconds", .double)]
        }
        let byRule = Dictionary(grouping: lines, by: \.rule)
        var answer = Answer(
            columns, rows: rules.map { row($0, byRule[$0.name] ?? [], incidents, range, compares: compares) })
        answer.main = "rule"
        answer.dispensable = ["severity", "groups", "most_a_day", "avoided", "missed", "gained_p50_seconds"]
        return answer
    }

    private static func row(
        _ rule: DetectionEntry, _ all: [Line], _ incidents: TrialIncidents, _ range: ClosedRange<Timestamp>, compares: Bool
    ) -> [Value] {
        func number(_ count: Int) -> Value { .int(Int64(count)) }
        let lines = all.filter { $0.side != .onlyInForce }
        let days = max(1, (range.upperBound - range.lowerBound).inSeconds / 86_400)
        let right = lines.count { $0.joined?.verdict == .right }, wrong = lines.count { $0.joined?.verdict == .wrong }
        let precision = right + wrong == 0 ? Value.null : .double(rounded(Double(right) / Double(right + wrong), to: 1000))
        let gained = lines.filter { $0.joined?.verdict == .right }.compactMap(\.gained)
        func count(_ verdict: JudgedIncident.Verdict) -> Value { number(incidents.count(of: rule.name, verdict, in: range)) }
        var row: [Value] = [
            .text(rule.name), .text(rule.settings.severity.rawValue), number(lines.count),
            number(Set(lines.map(\.found.finding.labels)).count), .double(rounded(Double(lines.count) / days, to: 100)),
            number(Dictionary(grouping: lines, by: \.day).values.map(\.count).max() ?? 0),
            number(lines.count { $0.joined != nil }), number(right), number(wrong), precision, count(.right), count(.wrong),
            median(gained).map(Value.double) ?? .null,
        ]
        if compares {
            row += [Side.both, .onlyHere, .onlyInForce].map { side in number(all.count { $0.side == side }) }
            row.append(median(all.compactMap(\.earlier?.inSeconds)).map(Value.double) ?? .null)
        }
        return row
    }

    private static func rounded(_ number: Double, to parts: Double) -> Double { (number * parts).rounded() / parts }

    private static func median(_ numbers: [Double]) -> Double? {
        numbers.isEmpty ? nil : numbers.sorted()[numbers.count / 2]
    }

    // MARK: Days and findings

    private static func days(_ lines: [Line]) -> Answer {
        let lines = lines.filter { $0.side != .onlyInForce }
        let byDay = Dictionary(grouping: lines) { [$0.day, $0.rule] }
        return Answer(
            [("day", .text), ("rule", .text), ("findings", .int64)],
            rows: byDay.keys.sorted { $0.lexicographicallyPrecedes($1) }.map { key in
                [.text(key[0]), .text(key[1]), .int(Int64(byDay[key]!.count))]
            })
    }

    private static func findings(_ lines: [Line], _ rules: [DetectionEntry], compares: Bool) -> Answer {
        var columns: [(String, ColumnType)] = [
            ("found_at", .timestamp), ("rule", .text), ("about", .text), ("severity", .text), ("count", .int64),
            ("starts_at", .timestamp), ("last_seen", .timestamp), ("joins", .text), ("resolved_as", .text),
            ("gained_seconds", .double),
        ]
        if compares { columns += [("compared", .text), ("earlier_seconds", .double)] }
        let constant = Dictionary(
            rules.map { ($0.name, ($0.settings as? DetectionRule)?.labels ?? Labels()) }, uniquingKeysWith: { first, _ in first })
        var answer = Answer(columns, rows: lines.map { row($0, constant[$0.rule] ?? Labels(), compares: compares) })
        answer.main = "about"
        answer.dispensable = ["severity", "last_seen", "gained_seconds", "starts_at", "resolved_as"]
        return answer
    }

    private static func row(_ line: Line, _ constant: Labels, compares: Bool) -> [Value] {
        let finding = line.found.finding
        let verdict = line.joined?.verdict.map { Value.text($0 == .right ? "right" : "wrong") }
        var row: [Value] = [
            .timestamp(line.found.at), .text(finding.name), .text(line.found.subject(without: constant)),
            .text(finding.severity.rawValue), .int(Int64(finding.count)), .timestamp(finding.startsAt),
            .timestamp(finding.lastSeen), line.joined.map { .text("INC-\($0.number)") } ?? .null, verdict ?? .null,
            line.gained.map(Value.double) ?? .null,
        ]
        if compares {
            row.append(line.side.map { .text($0.rawValue) } ?? .null)
            row.append(line.earlier.map { .double($0.inSeconds) } ?? .null)
        }
        return row
    }
}
