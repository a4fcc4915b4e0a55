import HTTPTypes
import Columns
import Incidents
import Query

/// The addresses to block: `GET /api/v1/blocklist`.
enum BlocklistRoutes {
    /// - Parameter policy: called at each request, because a reload may change it.
    static func all(_ incidents: IncidentStore, policy: @escaping @Sendable () -> BlocklistPolicy) -> [Route] {
        [
            Route(.get, "/api/v1/blocklist", listing) { request in
                let name = request.given("format") ?? Blocklist.Form.plain.rawValue
                guard let form = Blocklist.Form(rawValue: name) else {
                    throw HTTPFailure(
                        .badRequest, code: "bad_format",
                        "format is '\(name)'; write one of \(Blocklist.Form.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                var policy = policy()
                let rules = request.query.filter { $0.name == "rule" && !$0.value.isEmpty }.map(\.value)
                if !rules.isEmpty { policy.rules = Set(rules) }
                let list = try Blocklist(incidents, policy, own: Blocklist.ownAddresses, now: .now)
                return form == .json ? .json(list.text(form)) : .text(list.text(form))
            }
        ]
    }

    private static let listing = Operation(
        "listBlocked", .incidents, "The sources of attacks, for a firewall, newest first; obs blocks nothing itself"
    ) {
        $0.parameters = [
            .word("format", "plain (the default), a file for nft -f, or JSON", of: Blocklist.Form.allCases.map(\.rawValue)),
            .text("rule", "Only incidents of this rule; may come several times"),
        ]
        $0.response = .text()
        $0.alternative = .json(listOf: entry)
        $0.refusals = [400]
    }

    private static let entry = Operation.Schema(
        "BlockedAddress",
        properties: [
            "address": Operation.Schema.text, "incident": Operation.Schema.text, "rule": Operation.Schema.text,
            "severity": Operation.Schema.text, "starts_at": Operation.Schema.time, "last_seen": Operation.Schema.time,
            "until": Operation.Schema.time,
        ])
}
