import Foundation
import Transfer

/// Asks a running obs whether it is well.
public enum HealthCheck {
    /// Nil when it answers, is ready, and reads each of its sources; else what is wrong.
    ///
    /// - Parameter isLiveEnough: asks only whether it answers.
    public static func problem(at url: String, isLiveEnough: Bool) async -> String? {
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

    private static func ask(_ url: String) async throws(NoAnswer) -> WebAnswer {
        var request = WebRequest("GET", url)
        request.timeout = .seconds(5)
        return try await request.send()
    }
}
