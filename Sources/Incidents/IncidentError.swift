/// What can be wrong with a request about an incident, a silence or a notification. Each description is a sentence for the
/// person who asked.
public enum IncidentError: Error, CustomStringConvertible {
    /// The id that was given.
    case noIncident(String)
    /// The id that was given.
    case noSilence(String)
    /// Why a silence is refused.
    case badSilence(String)
    /// The id that was given.
    case noNotification(String)
    /// The state that a thing is in, and what therefore cannot be done to it.
    case wrongState(String, state: String, action: String)
    /// Somebody else decided first: the version that there is now, and the one that was expected.
    case changedMeanwhile(String, by: String, version: Int, expected: Int)
    /// A sentence of its own.
    case badAction(String)

    /// A sentence for the person who asked.
    public var description: String {
        switch self {
        case .noIncident(let id): "there is no incident \(id); 'obs query incidents' lists those that there are"
        case .noSilence(let id): "there is no silence \(id)"
        case .badSilence(let what): "the silence is refused: \(what)"
        case .noNotification(let id): "there is no notification \(id); 'obs notification list --all' lists those that there are"
        case .wrongState(let id, let state, let action): "\(id) is \(state) and cannot be \(action)"
        case .changedMeanwhile(let id, let actor, let version, let expected):
            "\(actor) was faster: \(id) is at version \(version) now, not \(expected); look at it again and decide anew"
        case .badAction(let what): what
        }
    }
}
