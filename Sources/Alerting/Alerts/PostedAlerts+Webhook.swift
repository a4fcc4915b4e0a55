import Columns

extension PostedAlerts {
    /// Reads the payload of a webhook. Its alerts bear the same names as posted ones, with the zero time for no end.
    ///
    /// Source: Alertmanager, "Configuration", webhook_config.
    init(webhook body: [UInt8]) throws(AlertBodyError) {
        var scanner = JSONReader(body)
        var isVersion4 = false
        var read: PostedAlerts?
        do {
            guard try scanner.kind() == .object else {
                throw AlertBodyError(code: 400, description: "the body is not a webhook payload")
            }
            try scanner.object { scanner, name in
                switch name {
                case "version":
                    guard try scanner.kind() == .text else { return try scanner.skip() }
                    isVersion4 = try scanner.text() == "4"
                case "alerts": read = try PostedAlerts(&scanner)
                default: try scanner.skip()
                }
            }
            try scanner.end()
        } catch let error as AlertBodyError {
            throw error
        } catch {
            throw AlertBodyError(code: 400, description: "the body is not JSON: \(error)")
        }
        guard isVersion4, let read else {
            throw AlertBodyError(
                code: 400, description: "the body is not a webhook payload of Alertmanager with version \"4\" and alerts")
        }
        self = read
    }
}
