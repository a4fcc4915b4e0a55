import Foundation
import FoundationNetworking

/// Asks a running obs whether it is well.
public enum HealthCheck {
    /// Nil when it answers that it is healthy; else what is wrong.
    public static func problem(at url: String) async -> String? {
        guard let address = URL(string: url + "/-/healthy") else { return "it is no URL" }
        var request = URLRequest(url: address)
        request.timeoutInterval = 5
        do {
            let (_, response) = try await URLSession.shared.data(for: request)
            let status = (response as? HTTPURLResponse)?.statusCode ?? 0
            return status == 200 ? nil : "it answers \(status)"
        } catch {
            return "it does not answer"
        }
    }
}
