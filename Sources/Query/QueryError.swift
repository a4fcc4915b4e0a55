/// Why a query cannot be answered: what is wrong with it.
public enum QueryError: Error, CustomStringConvertible {
    /// A value of a short list, such as a state or a column, that does not exist.
    case unknown(String, String, known: [String])
    /// A statement that is not a single reading one, or takes too much.
    case badSQL(String)
    /// As many statements run as may at a time.
    case tooManyStatements
    /// A comparison that cannot be made.
    case badComparison(String)
    case badDuration(String)
    /// A comparison with the past of a span of time without a begin.
    case noBegin
    /// A text that is not a time.
    case badTime(String)
    /// The configuration has no on-call schedule.
    case noSchedule

    /// One sentence: what is wrong, and what to write instead.
    public var description: String {
        switch self {
        case .unknown(let what, let value, let known):
            "there is no \(what) '\(value)'; known are \(known.joined(separator: ", "))"
        case .badSQL(let reason): "the statement was not run: \(reason)"
        case .tooManyStatements: "other statements in SQL are running"
        case .badComparison(let text):
            "'\(text)' cannot be compared; write one such as port > 1024, latency_ms >= 500ms or event_time < 2026-11-21"
        case .badDuration(let text): "'\(text)' is not a length of time; write one such as 5m, 1h or 1d"
        case .noBegin: "a comparison with the past needs a begin: write --since, such as --since 24h"
        case .badTime(let text): "'\(text)' is not a time; write 2h, today, or 2026-11-21T10:00:00Z"
        case .noSchedule: "there is no on-call schedule; write one under alerting.oncall in obs.yaml"
        }
    }
}
