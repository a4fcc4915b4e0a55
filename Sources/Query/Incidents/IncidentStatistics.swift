import Columns
import Foundation
import Incidents

/// How often, and how long it took, as a table.
extension IncidentQuestions {
    public typealias Grouping = StatisticGroup

    /// Times count on the day (UTC) on which the incident was opened.
    public func statistics(by grouping: Grouping = .rule, since: Timestamp? = nil, until: Timestamp? = nil) throws -> Answer {
        let found = try store.statistics(by: grouping, since: since, until: until)
        let groups = found.groups.filter {
            $0.value.count(of: "opened") > 0 || found.open[$0.key] != nil || grouping == .receiver
        }
        return answer(grouping, groups, found.open, found.all)
    }

    private func answer(_ grouping: Grouping, _ groups: [[String]: Tally], _ open: [[String]: Int], _ all: Tally) -> Answer {
        let names: [(String, ColumnType)] =
            switch grouping {
            case .rule: [("rule", .text), ("severity", .text)]
            case .severity: [("severity", .text)]
            case .receiver: [("receiver", .text)]
            case .day: [("day", .text)]
            }
        let counts: [(String, ColumnType)] =
            grouping == .receiver
            ? [("incidents", .int64), ("sent", .int64), ("dead", .int64)]
            : [("incidents", .int64), ("open", .int64), ("false", .int64)]
        let measures = grouping == .receiver ? ["sent", "acknowledge", "resolve"] : ["detect", "acknowledge", "resolve"]
        let titles = ["detect": "detect", "acknowledge": "ack", "resolve": "resolve", "sent": "tell"]
        let times = measures.flatMap {
            [("\(titles[$0]!)_p50_seconds", ColumnType.double), ("\(titles[$0]!)_p90_seconds", .double)]
        }
        // The noisiest first; days in their order.
        let sorted = groups.sorted {
            let (left, right) = ($0.value.count(of: "opened"), $1.value.count(of: "opened"))
            return grouping == .day ? $0.key[0] > $1.key[0] : (right, $0.key[0], $0.key[1]) < (left, $1.key[0], $1.key[1])
        }
        let rows = sorted.map { key, tally -> [Value] in
            let name: [Value] =
                switch grouping {
                case .rule: [.text(key[0]), .text(key[1])]
                case .day: [.text(String(Timestamp(seconds: Int64(key[0])! * 86_400).description.prefix(10)))]
                default: [.text(key[0])]
                }
            let numbers =
                grouping == .receiver
                ? [tally.count(of: "opened"), tally.count(of: "sent"), tally.count(of: "dead")]
                : [tally.count(of: "opened"), open[key] ?? 0, tally.count(of: "false_positive")]
            return name + numbers.map { .int(Int64($0)) }
                + measures.flatMap { measure in [0.5, 0.9].map { tally.quantile($0, of: measure).map(Value.double) ?? .null } }
        }
        var answer = Answer(names + counts + times, rows: rows)
        answer.dispensable = [
            "detect_p90_seconds", "tell_p90_seconds", "resolve_p90_seconds", "ack_p90_seconds", "detect_p50_seconds", "severity",
        ]
        if grouping != .receiver, !rows.isEmpty {
            let spelled = ["detect", "acknowledge", "resolve"].compactMap { measure in
                all.quantile(0.5, of: measure).map { median in
                    "\(measure) \(Shown.duration(.seconds(median))) (p90 "
                        + "\(Shown.duration(.seconds(all.quantile(0.9, of: measure)!))))"
                }
            }
            answer.note = "\(all.count(of: "opened")) incidents; median time to \(spelled.joined(separator: ", to "))"
            if grouping == .rule, let wrong = Self.mostlyWrong(groups, open) { answer.note! += "; \(wrong)" }
        }
        return answer
    }

    /// Names the rules of which most incidents that ended were false positives, and at least three were: one or two are chance.
    private static func mostlyWrong(_ groups: [[String]: Tally], _ open: [[String]: Int]) -> String? {
        let names = groups.filter { key, tally in
            let wrong = tally.count(of: "false_positive")
            return wrong >= 3 && wrong * 2 > tally.count(of: "opened") - (open[key] ?? 0)
        }.map { $0.key[0] }.sorted()
        guard let first = names.first else { return nil }
        return
            "most incidents of \(names.joined(separator: ", ")) were false positives: 'obs rules explain \(first)' proposes an "
            + "exception"
    }
}
