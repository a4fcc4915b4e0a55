import Columns

/// Makes text from outside fit for a log: one line, bounded, and without what nobody may see.
enum Redaction {
    static func clean(_ text: String, _ secrets: [String], limit: Int) -> String {
        var text = text
        // What is very short would blot out half of the text and is no secret.
        for secret in secrets where secret.utf8.count >= 4 {
            // By bytes: with a combining mark behind it a secret would be another text of `Character`s, and stay.
            text = OutsideText(text).replacing(secret, with: "<secret>")
            text = OutsideText(text).replacing(HTTPRequest.escape(secret), with: "<secret>")
        }
        return OutsideText(text).split { $0 == " " || $0.isControl || $0.isLineBreak }.filter { !$0.isEmpty }.joined(
            separator: " "
        )
        .truncated(toScalars: limit)
    }
}
