public enum QueryError: Error, CustomStringConvertible {
    case unknown(String, String, known: [String])
    case badSQL(String)
    case badTime(String)
    case noSchedule

    public var description: String {
        switch self {
        case .unknown(let what, let value, let known):
            "there is no \(what) '\(value)'; known are \(known.joined(separator: ", "))"
        case .badSQL(let reason): "the statement was not run: \(reason)"
        case .badTime(let text): "'\(text)' is no time; write 2h, today, or 2026-11-21T10:00:00Z"
        case .noSchedule: "there is no on-call schedule; write one under alerting.oncall in obs.yaml"
        }
    }
}
