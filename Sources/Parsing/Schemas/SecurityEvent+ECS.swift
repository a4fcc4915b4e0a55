import Columns

/// What has no field is a label.
///
/// Source: Elastic Common Schema 9: "Event fields", "Source fields", "Host fields", "Process fields", "Log fields".
extension SecurityEvent {
    private static let version = "9.0.0"

    var ecs: JSON {
        let kind = event.ecs, outcome = outcome.map { $0 == .success ? "success" : "failure" } ?? "unknown"
        return .object(
            ("@timestamp", .text(time.description)),
            ("ecs", .object(("version", .text(Self.version)))),
            (
                "event",
                .object(
                    ("kind", .text("event")), ("category", .list([.text(OutsideText(kind.category))])),
                    ("type", .list([.text(OutsideText(kind.type))])), ("action", .text(action)), ("outcome", .text(outcome)),
                    ("dataset", .text("silver.ssh")), ("module", .text("obs")))
            ),
            ("user", JSON.object(("name", .text(user))).unlessEmpty),
            (
                "source",
                // An address without a port is still where it came from; a port alone says nothing.
                source == nil
                    ? nil
                    : .object(
                        ("address", .text(source)), ("ip", .text(address.ip)), ("domain", .text(address.name)),
                        ("port", .integer(port)))
            ),
            ("host", JSON.object(("name", .text(host))).unlessEmpty),
            ("process", JSON.object(("name", .text(process)), ("pid", .integer(pid))).unlessEmpty),
            (
                "log",
                JSON.object(("file", JSON.object(("path", .text(file))).unlessEmpty), ("offset", .integer(offset))).unlessEmpty
            ),
            (
                "labels",
                // Labels are keywords.
                JSON.object(
                    ("stage", .text(stage)), ("method", .text(method)), ("count", count > 1 ? .text(String(count)) : nil)
                ).unlessEmpty
            ))
    }
}
