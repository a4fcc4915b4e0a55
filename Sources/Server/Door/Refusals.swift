import Telemetry

/// Requests and connections that were not served, by why.
struct Refusals: Sendable {
    enum Reason: String, CaseIterable, Sendable {
        /// Asked by a name that is not ours.
        case host
        /// Would have changed something, from a page of another site.
        case origin
        /// No room for its body or its answer.
        case memory
        /// All connections were in use, and all of them being answered.
        case connections
        /// Waited for its client longer than the others when one more connection came.
        case evicted
        /// Its client sent or read too slowly.
        case slow
    }

    private let counters: CounterFamily

    init(_ metrics: MetricsRegistry) {
        counters = metrics.counter(
            "obs_http_refused_total",
            help: """
                Requests and connections that were refused or ended, by reason: host (asked by an unknown name), origin (sent from a page of another site), memory and connections \
                (limits reached), evicted (idle when a connection was needed), slow (sent or read too slowly).
                """, labels: ["reason"])
        for reason in Reason.allCases { counters[reason.rawValue].increment(by: 0) }
    }

    func count(_ reason: Reason) { counters[reason.rawValue].increment() }
}
