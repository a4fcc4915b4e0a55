/// The host and port of the mail server.
struct Smarthost: Sendable, Hashable {
    var host: String
    var port: Int

    /// As a configuration file has it: an empty text means none.
    struct Optional: Decodable {
        let value: Smarthost?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard !text.isEmpty else {
                value = nil
                return
            }
            guard let smarthost = Smarthost(text) else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription:
                        """
                        \(decoder.codingPath.last?.stringValue ?? "smarthost") is '\(text)'; write HOST:PORT, such as \
                        mail.example.org:587
                        """
                )
            }
            value = smarthost
        }
    }

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        // Go looks up names of ports too; those of mail are enough.
        let names = ["smtp": 25, "submission": 587, "smtps": 465, "submissions": 465]
        let portText = String(text[text.index(after: colon)...])
        guard let port = names[portText] ?? Int(portText), (1...65_535).contains(port),
            host.allSatisfy({ $0.isLetter || $0.isNumber || ".-_:%".contains($0) })
        else { return nil }
        self.host = host.isEmpty ? "localhost" : String(host)
        self.port = port
    }
}
