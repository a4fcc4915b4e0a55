/// What can be wrong with alerting: its configuration, or what is asked of it.
enum AlertingError: Error, CustomStringConvertible {
    case unknownReceiver(String, known: [String])
    case twoReceivers
    case rootWithoutReceiver
    case noRoute
    case rootHas(String)
    case badGrouping(String)
    case zeroInterval(String)
    case badLabel(String)
    case badInterval(String)
    case unknownInterval(String, known: [String])
    /// Something that must be given.
    case missing(String)
    /// A sentence of its own.
    case badValue(String)
    case badOnCall(String)
    case badLink(String)

    var description: String {
        switch self {
        case .unknownReceiver(let name, let known):
            "the route names the receiver '\(name)', which there is not; receivers are \(known.joined(separator: ", "))"
        case .twoReceivers: "two receivers have the same name"
        case .rootWithoutReceiver: "the root route has no receiver; it takes what no other route takes"
        case .noRoute: "there is no route; give one, at least route: { receiver: NAME }"
        case .rootHas(let key): "the root route has \(key); it takes every alert at every time, so write them in a route below it"
        case .badGrouping(let what): "group_by \(what)"
        case .zeroInterval(let key): "\(key) is 0; write a duration such as 5m"
        case .badLabel: "the name of a label is empty; write such as severity or service.name"
        case .badInterval(let what): "time_intervals: \(what)"
        case .unknownInterval(let name, let known):
            """
            a route names the time interval '\(name)', which there is not; \
            \(known.isEmpty ? "add it to time_intervals" : "known are \(known.joined(separator: ", "))")
            """
        case .missing(let what): "\(what) must be given"
        case .badValue(let sentence): sentence
        case .badOnCall(let what), .badLink(let what): what
        }
    }
}
