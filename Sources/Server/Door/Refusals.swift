import Telemetry

/// Counts requests and connections that were not served, by reason.
struct Refusals: Sendable {
    enum Reason: String, CaseIterable, Sendable {
        /// The request is for an unknown host name.
        case host
        /// The request may change something and comes from a page of another site.
        case origin
        /// The client has no credential, or one that is not enough.
        case access
        /// There is no memory for its body or response.
        case memory
        /// All connections are in use.
        case connections
        /// All connections that one address may have are in use.
        case address
        /// The connection had waited longest for its client when a new one came.
        case evicted
        /// The client sent or read too slowly.
        case slow
    }

    private let counters: CounterFamily

    init(_ metrics: MetricsRegistry) {
        counters = metrics.counter(
            "obs_http_refused_total",
            help: """
                Requests and connections that were refused or ended, by reason: host (unknown host name), origin (sent from a \
                page of another site), access (no token, or one that is not enough), memory and connections (limits reached), \
                address (its share of the connections is in use), evicted (idle when a connection was needed), slow (sent or \
                read too slowly).
                """, labels: ["reason"])
        for reason in Reason.allCases { counters[reason.rawValue].increment(by: 0) }
    }

    func count(_ reason: Reason) { counters[reason.rawValue].increment() }
}
