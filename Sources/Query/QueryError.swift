/// Why a query cannot be answered: what is wrong with it.
public enum QueryError: Error, CustomStringConvertible {
    /// A value of a short list, such as a state or a column, that does not exist.
    case unknown(String, String, known: [String])
    /// A statement that is not a single reading one, or takes too much.
    case badSQL(String)
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
        case .badTime(let text): "'\(text)' is not a time; write 2h, today, or 2026-11-21T10:00:00Z"
        case .noSchedule: "there is no on-call schedule; write one under alerting.oncall in obs.yaml"
        }
    }
}
