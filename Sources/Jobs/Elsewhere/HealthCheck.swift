import Foundation
import Transfer

/// Asks a running obs whether it is well.
public enum HealthCheck {
    /// Nil when it answers, is ready, and reads each of its sources; else what is wrong.
    ///
    /// - Parameters:
    ///   - isLiveEnough: asks only whether it answers.
    ///   - token: of a viewer, who may see each source; nil for none.
    ///   - authorities: a file with the issuers of the server's certificate; nil for those that the machine trusts.
    public static func problem(
        at url: String, isLiveEnough: Bool, token: String? = nil, authorities: String? = nil
    ) async -> String? {
        func ask(_ url: String) async throws(NoAnswer) -> WebAnswer {
            var request = WebRequest("GET", url)
            request.timeout = .seconds(5)
            request.authorities = authorities
            if let token { request.headers["Authorization"] = "Bearer \(token)" }
            return try await request.send()
        }
        do throws(NoAnswer) {
            let live = try await ask(url + "/-/healthy")
            guard live.status == 200 else { return "it answers \(live.status)" }
            if isLiveEnough { return nil }
            let ready = try await ask(url + "/-/ready")
            guard ready.status == 200 else {
                struct Refusal: Decodable { var error: String }
                return (try? JSONDecoder().decode(Refusal.self, from: ready.body))?.error ?? "it is not ready"
            }
            let sources = try await ask(url + "/api/v1/sources")
            // What answers otherwise is not obs run, or an earlier one: it has been asked all that it can say.
            struct Source: Decodable { var problem: String? }
            guard sources.status == 200, let all = try? JSONDecoder().decode([Source].self, from: sources.body) else {
                return nil
            }
            let problems = all.compactMap(\.problem)
            return problems.isEmpty ? nil : problems.joined(separator: "\n\(url): ")
        } catch {
            return "it does not answer: \(error.reason)"
        }
    }
}
