/// The colors of a terminal (ECMA-48, "Select Graphic Rendition").
enum TerminalColor {
    /// A text in bold.
    static func bold(_ text: String) -> String { "\u{1B}[1m\(text)\u{1B}[0m" }

    /// A text in the color of a severity or a state, the one that everybody uses for it; as it is for other words.
    static func paint(_ text: String, as word: String) -> String {
        code(of: word).map { "\u{1B}[\($0)m\(text)\u{1B}[0m" } ?? text
    }

    /// What goes before and after a word that is worth the reader's eye.
    static let mark = (before: "\u{1B}[1;33m", after: "\u{1B}[0m")

    private static func code(of word: String) -> String? {
        switch word {
        case "critical", "open", "failed", "firing", "dead": "31;1"
        case "warning", "acknowledged", "pending": "33"
        case "resolved", "ok", "sent", "production": "32"
        case "info": "36"
        default: nil
        }
    }
}
