import Columns
import HTTPTypes
import Ingest

/// The addresses of Splunk's HTTP Event Collector, which Fluent Bit, Vector, Docker's log driver and OpenTelemetry's collector
/// send to.
enum SplunkRoutes {
    /// What the address can say of all records of a body.
    private static let origins = ["host", "source", "sourcetype", "index"]
    private static let success = "{\"text\":\"Success\",\"code\":0}"

    /// - Parameter base: "" or the address that names the source.
    static func all(_ base: String, _ receiver: PushReceiver) -> [Route] {
        let root = base + "/services/collector"
        let events = [(root, "pushHEC"), (root + "/event", "pushHECEvents"), (root + "/event/1.0", "pushHECEventsV1")]
        let raw = [(root + "/raw", "pushHECLines"), (root + "/raw/1.0", "pushHECLinesV1")]
        let health = [(root + "/health", "getHECHealth"), (root + "/health/1.0", "getHECHealthV1")]
        return events.map { path, id in push(path, id, base, "Accepts events as Splunk does", .hec, receiver) }
            + raw.map { path, id in push(path, id, base, "Accepts lines as Splunk does", .hecRaw, receiver) }
            + health.map { path, id in
                Route(
                    .get, path,
                    Operation(PushRoutes.name(id, at: base), .data, "What shippers ask Splunk first") {
                        $0.response = .json(["type": "object"])
                    }, isInstant: true
                ) { _ in .json("{\"text\":\"HEC is healthy\",\"code\":17}") }
            }
    }

    private static func push(
        _ path: String, _ id: String, _ base: String, _ summary: String, _ form: PushReceiver.Form, _ receiver: PushReceiver
    ) -> Route {
        var operation = PushRoutes.operation(id, at: base, summary + "; they are on disk when it responds", status: 200)
        operation.parameters = origins.map { .text($0, "Of all records that do not name it themselves") }
        operation.response = .json(["type": "object"])
        return Route(.post, path, operation) { request in
            let given = origins.compactMap { name in request.given(name).map { (name, $0) } }
            try PushRoutes.refuse(await PushRoutes.receive(request, form, receiver, given: Labels(given)))
            return .json(success)
        }
    }
}
