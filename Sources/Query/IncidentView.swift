import Alerting
import Columns
import Detection
import Foundation

/// One incident as a person reads it: what, since when, how bad, who has it; then why; then what happened.
public struct IncidentView: Sendable {
    public let incident: Incident
    public let evidence: [Evidence]
    public let timeline: [TimelineEntry]
    public let notifications: [NotificationRecord]

    /// For a terminal or a pipe.
    public var text: String {
        func time(_ stamp: Timestamp) -> String { TerminalTable.show(.timestamp(stamp)) }
        var lines = [
            "\(incident.id)  \(incident.severity.rawValue)  \(incident.state.rawValue)\(incident.acknowledgedBy.map { " by \($0)" } ?? "")",
            TerminalTable.show(.text(incident.title)), "",
        ]
        lines += [TerminalTable.show(.text(incident.description)), ""]
        lines.append("  since      \(time(incident.startsAt))")
        lines.append("  last seen  \(time(incident.lastSeen))")
        lines.append("  events     \(incident.count)")
        lines.append(
            "  labels     \(TerminalTable.show(.text(incident.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ", "))))"
        )
        lines.append("  runbook    runbooks/\(incident.name).md")
        if !incident.contributions.isEmpty {
            lines += ["", "What stood out"]
            for part in incident.contributions {
                lines.append(
                    "  \(Int((part.share * 100).rounded())) %  \(part.feature) \(Value.double(part.value)), typical \(Value.double(part.typical))"
                )
            }
        }
        if !evidence.isEmpty { lines += ["", "Evidence"] + evidence.map { "  \(TerminalTable.show(.text($0.line)))" } }
        lines += ["", "Timeline"] + timeline.map { "  \(time($0.at))  \($0.actor)  \(TerminalTable.show(.text($0.text)))" }
        if !notifications.isEmpty {
            lines += ["", "Notifications"]
            lines += notifications.map {
                "  \($0.receiver): \($0.state)\($0.sentAt.map { " at " + time($0) } ?? "")\($0.lastError.map { ", last try: \($0)" } ?? "")"
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private struct Document: Encodable {
        struct Entry: Encodable { var at, actor, kind, text: String }
        struct Line: Encodable {
            var file: String
            var offset: Int64
            var time, line: String
        }
        struct Notification: Encodable {
            var receiver, state: String
            var attempts: Int
            var sent_at: String?
            var last_error: String?
        }
        var id, name, detector, severity, state, title, description: String
        var labels: [String: String]
        var starts_at, last_seen, opened_at: String
        var resolved_at: String?
        var acknowledged_by: String?
        var count: Int
        var fingerprint: String
        var contributions: [FeatureContribution]
        var evidence: [Line]
        var timeline: [Entry]
        var notifications: [Notification]
    }

    /// One JSON object.
    public var json: String {
        let document = Document(
            id: incident.id, name: incident.name, detector: incident.detector, severity: incident.severity.rawValue,
            state: incident.state.rawValue,
            title: incident.title, description: incident.description, labels: incident.labels,
            starts_at: incident.startsAt.description,
            last_seen: incident.lastSeen.description, opened_at: incident.openedAt.description,
            resolved_at: incident.resolvedAt?.description,
            acknowledged_by: incident.acknowledgedBy, count: incident.count, fingerprint: incident.fingerprint,
            contributions: incident.contributions,
            evidence: evidence.map { .init(file: $0.file, offset: $0.offset, time: $0.time.description, line: $0.line) },
            timeline: timeline.map { .init(at: $0.at.description, actor: $0.actor, kind: $0.kind, text: $0.text) },
            notifications: notifications.map {
                .init(
                    receiver: $0.receiver, state: $0.state, attempts: $0.attempts, sent_at: $0.sentAt?.description,
                    last_error: $0.lastError)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Texts and finite numbers: it always encodes.
        return String(decoding: try! encoder.encode(document), as: UTF8.self) + "\n"
    }
}
