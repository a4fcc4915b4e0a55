import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// Tokens and users by the program itself, against an `obs run` that wants them.
@Suite(.timeLimit(.minutes(5)))
struct `A service that wants tokens` {
    private let folder = TemporaryFolder()
    private var data: String { folder.path + "/data" }

    private func configure(_ http: String) throws {
        try "data_dir: \(data)\nhttp: \(http)\n".write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
    }

    private func obs(_ words: String..., input: String? = nil, environment: [String: String] = [:]) throws -> ProgramOutput {
        try output(of: Program.path, words, input: input, in: folder.path, environment: environment)
    }

    private func status(_ url: String, _ token: String? = nil) async -> Int {
        var request = URLRequest(url: URL(string: url)!)
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        return ((try? await URLSession.shared.data(for: request))?.1 as? HTTPURLResponse)?.statusCode ?? 0
    }

    @Test func `does not start where other machines reach it without TLS, unless it is told so in words`() throws {
        try configure("{ listen: \"0.0.0.0:1\" }")
        let refused = try obs("run")
        #expect(refused.status == 2)
        #expect(
            refused.text.hasPrefix("obs: http.listen is 0.0.0.0:1, which other machines may reach, and there is no TLS; write"))
        #expect(refused.text.split(separator: "\n").count == 1)
        #expect(try obs("check", "config", "--strict").status == 1)
        #expect(try obs("check", "config").text.contains("warning: http.listen is 0.0.0.0:1"))
    }

    @Test func `takes tokens and people from the command line while it runs`() async throws {
        let port = freePort(), url = "http://127.0.0.1:\(port)"
        try configure("{ listen: \"127.0.0.1:\(port)\", access: required }")
        let service = try Program.start(["run"], in: folder.path)
        defer { Program.kill(service, SIGTERM) }
        #expect(await eventually { await status(url + "/-/healthy") == 200 })
        #expect(await status(url + "/metrics") == 401)
        let made = try obs("token", "create", "--role", "viewer", "--name", "prometheus", "--out", "viewer.token")
        #expect(made.status == 0 && !made.text.contains("obs_"), "\(made.text)")
        let token = try String(contentsOfFile: folder.path + "/viewer.token", encoding: .utf8).split(separator: "\n").joined()
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/viewer.token")[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(await status(url + "/metrics", token) == 200)

        #expect(try obs("check", "health", "--url", url, "--token-file", "viewer.token").status == 0)
        #expect(try obs("silence", "list", "--url", url).text.contains("refuses with 401"))
        #expect(try obs("silence", "list", "--url", url, environment: ["OBS_TOKEN": token]).status == 0)
        #expect(try obs("silence", "list", "--url", url, environment: ["OBS_TOKEN_FILE": "viewer.token"]).status == 0)
        let refused = try obs(
            "silence", "add", "a=b", "--comment", "c", "--url", url, "--token-file", "viewer.token")
        #expect(refused.status == 3 && refused.text.contains("has the role viewer, and this needs responder or admin"))

        #expect(try obs("token", "list").text.contains("prometheus"))
        #expect(try obs("token", "revoke", "prometheus").status == 0)
        #expect(await status(url + "/metrics", token) == 401)

        #expect(try obs("user", "add", "ann", "--role", "responder", input: "short\n").status == 2)
        #expect(try obs("user", "add", "ann", "--role", "responder", input: "correct horse battery\n").status == 0)
        #expect(try obs("user", "passwd", "ann", input: "another horse battery\n").status == 0)
        #expect(try obs("user", "list", "-o", "jsonl").text.contains("\"ann\""))
        #expect(try obs("user", "remove", "ann").status == 0)
        let audit = try obs("query", "audit", "-o", "jsonl").text
        for action in ["token.create", "token.revoke", "user.add", "user.passwd", "user.remove", "request.refuse"] {
            #expect(audit.contains("\"\(action)\""), "\(action)")
        }
    }
}
