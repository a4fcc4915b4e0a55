import Columns
import Incidents
import Foundation

extension AlertingConfiguration {
    /// The configuration in force as Alertmanager would show it, for `amtool config show` and `amtool config routes`: what
    /// routes, groups and mutes, and the names of receivers. How a receiver is reached is left out, because the secrets are
    /// there.
    public var alertmanagerYAML: String {
        var lines = ["global:", "  resolve_timeout: \(Self.text(resolveTimeout))"]
        if let route {
            lines.append("route:")
            lines += Self.lines(route, indent: "  ")
        }
        if !inhibitRules.isEmpty { lines.append("inhibit_rules:") }
        for rule in inhibitRules {
            lines += [
                "- source_matchers: \(Self.list(rule.sources.map(\.description)))",
                "  target_matchers: \(Self.list(rule.targets.map(\.description)))",
                "  equal: \(Self.list(rule.equal))",
            ]
        }
        lines.append(receivers.isEmpty ? "receivers: []" : "receivers:")
        lines += receivers.map { "- name: \(JSONText.quote($0.name))" }
        if !timeIntervals.isEmpty { lines.append("time_intervals:") }
        for named in timeIntervals {
            lines.append("- name: \(JSONText.quote(named.name))")
            lines.append("  time_intervals:")
            lines += named.intervals.map { "  - \($0.alertmanagerYAML)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ route: Route, indent: String) -> [String] {
        var lines: [String] = []
        if let receiver = route.receiver { lines.append("receiver: \(JSONText.quote(receiver))") }
        if let groupBy = route.groupBy { lines.append("group_by: \(list(groupBy))") }
        if !route.matchers.isEmpty { lines.append("matchers: \(list(route.matchers.map(\.description)))") }
        if route.continues { lines.append("continue: true") }
        if !route.mutedDuring.isEmpty { lines.append("mute_time_intervals: \(list(route.mutedDuring))") }
        if !route.activeDuring.isEmpty { lines.append("active_time_intervals: \(list(route.activeDuring))") }
        for (key, duration) in [
            ("group_wait", route.groupWait), ("group_interval", route.groupInterval), ("repeat_interval", route.repeatInterval),
        ] {
            if let duration { lines.append("\(key): \(text(duration))") }
        }
        if !route.routes.isEmpty {
            lines.append("routes:")
            for child in route.routes {
                let inner = Self.lines(child, indent: "  ")
                lines.append("- " + (inner.first.map { String($0.dropFirst(2)) } ?? "{}"))
                lines += inner.dropFirst()
            }
        }
        return lines.map { indent + $0 }
    }

    private static func list(_ texts: [String]) -> String { "[" + texts.map(JSONText.quote).joined(separator: ", ") + "]" }

    /// In Prometheus' notation.
    private static func text(_ duration: Duration) -> String {
        let milliseconds = duration.inMicroseconds / 1000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}

extension CalendarInterval {
    fileprivate var alertmanagerYAML: String {
        func clock(_ minute: Int) -> String { String(format: "%02d:%02d", minute / 60, minute % 60) }
        func range(_ first: Int, _ last: Int) -> String { first == last ? "\"\(first)\"" : "\"\(first):\(last)\"" }
        let days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
        var parts: [String] = []
        if !times.isEmpty {
            let ranges = times.map { "{start_time: \"\(clock($0.lowerBound))\", end_time: \"\(clock($0.upperBound))\"}" }
            parts.append("times: [\(ranges.joined(separator: ", "))]")
        }
        if !weekdays.isEmpty {
            parts.append(
                "weekdays: [\(weekdays.map { "\"\(days[$0.lowerBound]):\(days[$0.upperBound])\"" }.joined(separator: ", "))]")
        }
        if !daysOfMonth.isEmpty {
            parts.append("days_of_month: [\(daysOfMonth.map { range($0.first, $0.last) }.joined(separator: ", "))]")
        }
        if !months.isEmpty {
            parts.append("months: [\(months.map { range($0.lowerBound, $0.upperBound) }.joined(separator: ", "))]")
        }
        if !years.isEmpty {
            parts.append("years: [\(years.map { range($0.lowerBound, $0.upperBound) }.joined(separator: ", "))]")
        }
        if location.identifier != "GMT" { parts.append("location: \(JSONText.quote(location.identifier))") }
        return "{\(parts.joined(separator: ", "))}"
    }
}
