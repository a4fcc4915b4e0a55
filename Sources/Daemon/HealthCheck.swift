import Transfer

/// Asks a running obs whether it is well.
public enum HealthCheck {
    /// Nil when it answers that it is healthy; else what is wrong.
    public static func problem(at url: String) async -> String? {
        var request = WebRequest("GET", url + "/-/healthy")
        request.timeout = .seconds(5)
        do {
            let answer = try await request.send()
            return answer.status == 200 ? nil : "it answers \(answer.status)"
        } catch {
            return "it does not answer: \(error.reason)"
        }
    }
}
