import Columns

/// Makes text from outside fit for a log: one line, of bounded length, without secrets.
enum Redaction {
    static func clean(_ text: String, _ secrets: [String], limit: Int) -> String {
        var text = text
        // A very short text is not a secret, and replacing it would make the rest unreadable.
        for secret in secrets where secret.utf8.count >= 4 {
            // By bytes: followed by a combining mark, a secret would be another row of `Character`s and stay.
            text = OutsideText(text).replacing(secret, with: "<secret>")
            text = OutsideText(text).replacing(HTTPRequest.escape(secret), with: "<secret>")
        }
        return OutsideText(text).split { $0 == " " || $0.isControl || $0.isLineBreak }.filter { !$0.isEmpty }.joined(
            separator: " "
        )
        .truncated(toScalars: limit)
    }
}
