import Columns
import Configuration
import Detection
import Foundation
import Query

/// What `obs rules list` and `obs rules explain` say: the rules of the configuration beside what they found.
public struct RuleRecords: Sendable {
    private let configuration: Configuration
    private let records: [String: RuleRecord]
    private let incidents: [JudgedIncident]
    private let days: Int

    /// - Parameter days: how far back incidents are counted.
    /// - Throws: ``UsageError`` when `days` is not from 1 to 3650.
    public init(_ configuration: Configuration, _ workspace: Workspace, days: Int) throws {
        guard (1...3650).contains(days) else { throw UsageError("--days is '\(days)'; write a number from 1 to 3650") }
        self.configuration = configuration
        self.days = days
        let since = Timestamp.now - .seconds(86_400 * days)
        records = try RuleRecord.all(in: workspace.store, since: since)
        incidents = try JudgedIncident.all(in: workspace.store, from: since, to: .now)
    }

    private func record(_ name: String) -> RuleRecord { records[name] ?? RuleRecord() }

    private static func shared(_ share: Double?) -> Value { share.map { .double(($0 * 1000).rounded() / 1000) } ?? .null }

    /// A row for each rule, the noisiest first.
    public func list() throws -> Answer {
        let entries = configuration.detections.sorted {
            (record($1.name).incidents, $0.name) < (record($0.name).incidents, $1.name)
        }
        var answer = Answer(
            [
                ("rule", .text), ("kind", .text), ("pipeline", .text), ("mode", .text), ("severity", .text),
                ("incidents", .int64),
                ("per_day", .double), ("open", .int64), ("false_share", .double), ("last_found", .timestamp),
            ],
            rows: entries.map { entry in
                let record = record(entry.name)
                return [
                    .text(entry.name), .text(entry.kind), .text(entry.settings.pipeline ?? "each that fits"),
                    .text(entry.settings.mode.rawValue), .text(entry.settings.severity.rawValue), .int(Int64(record.incidents)),
                    .double((Double(record.incidents) / Double(days) * 100).rounded() / 100), .int(Int64(record.open)),
                    Self.shared(record.falseShare), record.lastSeen.map(Value.timestamp) ?? .null,
                ]
            })
        answer.dispensable = ["kind", "mode", "pipeline", "per_day", "open"]
        answer.main = "rule"
        return answer
    }

    /// What a rule looks for and what came of it, one fact a row.
    ///
    /// - Throws: ``UsageError`` when there is no such rule.
    public func explain(_ name: String) throws -> Answer {
        guard let entry = configuration.detections.first(where: { $0.name == name }) else {
            throw UsageError("there is no rule '\(name)'; 'obs rules list' shows those that there are")
        }
        let record = record(name)
        var facts: [(String, String)] = [
            ("rule", "\(name) (\(entry.kind), \(entry.settings.severity.rawValue), mode \(entry.settings.mode.rawValue))"),
            ("pipeline", entry.settings.pipeline ?? "each that has the columns"),
        ]
        facts += (entry.settings as? DetectionRule)?.facts ?? []
        let seen = record.lastSeen?.description ?? "never"
        facts += [
            ("found", "\(record.incidents) incidents in \(days) days, \(record.open) of them open; last seen \(seen)"),
            ("resolved", "\(record.resolved) by people, \(record.falsePositives) of them as false positives"),
        ]
        let constant = (entry.settings as? DetectionRule)?.labels ?? Labels()
        for (label, value, count) in record.noisiest where constant[label] == nil {
            facts.append(("most false positives", "\(label)=\"\(value)\" (\(count))"))
        }
        facts += advice(entry, record)
        return Answer([("what", .text), ("value", .text)], rows: facts.map { [.text($0.0), .text($0.1)] })
    }
}

extension RuleRecords {
    /// For a rule whose incidents are mostly false positives: what would have prevented them, ready to paste.
    private func advice(_ entry: DetectionEntry, _ record: RuleRecord) -> [(String, String)] {
        guard record.isMostlyWrong else { return [] }
        guard let rule = entry.settings as? DetectionRule, let exception = SuggestedException.best(for: rule, incidents) else {
            let way = "raise its threshold, and see with 'obs rules try' what it finds then"
            return [("advice", "most of its incidents are false positives and have nothing in common; \(way)")]
        }
        let saved = "\(exception.prevented) of \(record.falsePositives) false positives, and no incident that was right"
        let isFirst = !rule.hasExceptions
        return [
            ("advice", "most of its incidents are false positives; this would have prevented \(saved)"),
            (isFirst ? "paste" : "paste under except", isFirst ? "except: [\(exception.yaml)]" : "- \(exception.yaml)"),
        ]
    }
}
