import Foundation
import Testing

/// `obs alert`, `obs silence` and `obs route` with --url: asked of a running obs, and of Alertmanager where it is installed.
@Suite(.timeLimit(.minutes(10)))
struct `A command with --url` {
    private static let configuration = """
        route: { receiver: sink, routes: [{ matchers: ['team="db"'], receiver: db }] }
        receivers: [{ name: sink }, { name: db }]
        """

    private func obs(_ arguments: String..., at url: String) async throws -> Program.Result {
        try await onOwnThread { try Program.run(arguments + ["--url", url]) }
    }

    private func names(_ result: Program.Result) throws -> [String] {
        let rows = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]], "\(result.errors)")
        return rows.compactMap { $0["name"] as? String }.sorted()
    }

    private func tryAll(_ url: String) async throws {
        #expect(
            try await obs(
                "alert", "add", "DiskFull", "host=db-1+2", "team=db", "--for", "1h", "--annotation", "summary=no room", at: url
            ).status == 0)
        #expect(try await obs("alert", "add", "Slow", "host=web", at: url).status == 0)
        #expect(try await names(obs("alert", "list", "-o", "json", at: url)) == ["DiskFull", "Slow"])
        let listed = try await obs("alert", "list", #"host=~"db-1[+]2""#, "-o", "json", at: url)
        #expect(try names(listed) == ["DiskFull"])
        #expect(listed.output.contains("no room") && listed.output.contains("db"))

        let made = try await obs("silence", "add", #"alertname=~"Disk.*""#, "host!=x", "--comment", "c", "--by", "ann", at: url)
        let id = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(made.status == 0 && UUID(uuidString: id) != nil, "\(made.errors)")
        #expect(try await obs("alert", "list", "-o", "csv", at: url).output.contains("DiskFull,suppressed"))
        let silences = try await obs("silence", "list", "-o", "csv", at: url).output
        #expect(silences.contains(id) && silences.contains("active") && silences.contains("ann"))
        #expect(try await obs("silence", "expire", id, at: url).status == 0)
        #expect(try await !obs("silence", "list", "-o", "csv", at: url).output.contains(id))
        #expect(try await obs("silence", "list", "--expired", "-o", "csv", at: url).output.contains(id))

        #expect(try await obs("route", "test", "team=db", "-o", "csv", at: url).output.contains("db,"))
        let refused = try await obs("silence", "expire", "nonsense", at: url)
        #expect(
            refused.status == 3
                && refused.errors.hasPrefix("obs: \(url) refuses with 422: silenceID in path must be of type uuid"))
    }

    @Test func `does to a running obs what it does to a data directory`() async throws {
        let indented = Self.configuration.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
        let running = try await RunningObs(alerting: indented)
        try await tryAll(running.url)
        withExtendedLifetime(running) {}
        let refused = try await obs("alert", "add", "A", String(repeating: "n", count: 1100) + "=x", at: running.url)
        #expect(
            refused.status == 3 && refused.errors.contains("refuses with 400: alert 0 (A): invalid label set"),
            "\(refused.errors)")
    }

    @Test(.enabled(if: RunningAlertmanager.isInstalled, "there is no prometheus-alertmanager on the PATH"))
    func `does so to Alertmanager too`() async throws {
        let running = try await RunningAlertmanager(configuration: Self.configuration)
        try await tryAll(running.url)
        withExtendedLifetime(running) {}
    }

    @Test(arguments: [
        ("127.0.0.1:9464", 2, "--url is '127.0.0.1:9464'; write such as http://127.0.0.1:9464"),
        ("http://127.0.0.1:1", 3, "http://127.0.0.1:1 does not answer"),
    ])
    func `says what is wrong with its address`(url: String, status: Int32, text: String) async throws {
        let result = try await obs("alert", "list", at: url)
        #expect(result.status == status && result.errors.contains(text), "\(result.errors)")
    }
}
