import Columns
import Detection
import Incidents
import Synchronization
import Telemetry

/// How long it took to detect, acknowledge and resolve, as metrics. What other processes did (`obs incident ack`) counts too: the
/// timeline is read on from where it was read last.
struct IncidentTimes: Sendable {
    private let detect: HistogramFamily
    private let acknowledge: HistogramFamily
    private let resolve: HistogramFamily
    private let falsePositives: CounterFamily
    private let resolutions: CounterFamily
    private let place: Place

    private final class Place: Sendable {
        let last: Mutex<Int64?> = Mutex(nil)
        let rules: Mutex<Set<String>> = Mutex([])
    }

    /// Names of rules that have a series of their own; posted alerts are one, because anybody names them.
    private static let maxRules = 200

    init(_ registry: MetricsRegistry, _ incidents: IncidentStore) {
        // A second, the minutes in which a person answers, the hours in which an incident ends.
        let buckets: [Double] = [1, 5, 15, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 86_400, 7 * 86_400]
        detect = registry.histogram(
            "obs_incident_time_to_detect_seconds", help: "Time from the first event of an incident to its opening.",
            labels: ["severity"],
            buckets: buckets)
        acknowledge = registry.histogram(
            "obs_incident_time_to_acknowledge_seconds",
            help: "Time from the opening of an incident to its first acknowledgement.",
            labels: ["severity"], buckets: buckets)
        resolve = registry.histogram(
            "obs_incident_time_to_resolve_seconds", help: "Time from the opening of an incident to its end.",
            labels: ["severity"],
            buckets: buckets)
        falsePositives = registry.counter(
            "obs_incident_false_positives_total", help: "Incidents that were resolved as false positives, by rule.",
            labels: ["rule"])
        resolutions = registry.counter(
            "obs_incident_resolutions_total",
            help: "Incidents that have ended, by the kind of their detector and how they ended.",
            labels: ["detector", "resolution"])
        for kind in DetectionEntry.kinds + [Incident.postedDetector] {
            for resolution in Incident.Resolution.allCases { _ = resolutions[kind, resolution.rawValue] }
        }
        for severity in Severity.allCases { for family in [detect, acknowledge, resolve] { _ = family[severity.rawValue] } }
        _ = falsePositives[Incident.postedDetector]
        place = Place()
        let last = try? incidents.newestEntry()
        place.last.withLock { $0 = last }
    }

    /// Counts what has happened since the last time.
    func catchUp(_ incidents: IncidentStore) throws {
        guard let from = place.last.withLock({ $0 }) else { return }
        let (happenings, last) = try incidents.happenings(after: from)
        for one in happenings {
            let severity = one.severity.rawValue
            switch one.kind {
            case .opened:
                detect[severity].observe(Self.seconds(from: one.startsAt, to: one.openedAt))
                // From here on the rule has a series, so that its first false positive is seen as a rise.
                _ = falsePositives[rule(one.name, one.detector)]
            case .acknowledged:
                if one.acknowledgedAt == one.at { acknowledge[severity].observe(Self.seconds(from: one.openedAt, to: one.at)) }
            default:
                resolve[severity].observe(Self.seconds(from: one.openedAt, to: one.at))
                if let resolution = one.resolution { resolutions[one.detector, resolution.rawValue].increment() }
                if one.resolution == .falsePositive { falsePositives[rule(one.name, one.detector)].increment() }
            }
        }
        place.last.withLock { $0 = last }
    }

    private static func seconds(from start: Timestamp, to end: Timestamp) -> Double { max(0, (end - start).inSeconds) }

    private func rule(_ name: String, _ detector: String) -> String {
        guard detector != Incident.postedDetector else { return detector }
        return place.rules.withLock { known in
            if known.count < Self.maxRules { known.insert(name) }
            return known.contains(name) ? name : "other"
        }
    }
}
