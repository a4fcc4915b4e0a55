/// Escapes for the markup of other programs: a text is shown there as it is, and none of it is taken for markup.
extension OutsideText {
    /// For an element or an attribute between double quotes of HTML, and for Telegram's HTML, which knows the same references.
    /// Control characters that HTML forbids are U+FFFD.
    ///
    /// Source: HTML Living Standard, §13.1.4, "Character references"; Telegram Bot API, "HTML style".
    public var html: String {
        replacingScalars { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            case "'": "&#39;"
            case "\n", "\t": nil
            default: scalar.isControl ? "\u{FFFD}" : nil
            }
        }
    }

    /// For Slack's texts, in which `<!channel>` calls everybody and `<http://…|here>` is a link.
    ///
    /// Source: Slack, "Formatting text for app surfaces", "Escaping text".
    public var slack: String {
        replacingScalars { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            default: nil
            }
        }
    }

    /// For Markdown within a paragraph, as CommonMark, Discord, Teams, Webex and WeChat read it: what makes links, pictures,
    /// tags, code, emphasis, tables, mathematics or headings has a backslash before it; an underscore between letters or
    /// digits, as in `web_1`, means nothing. A line break is a blank, another control character is U+FFFD.
    ///
    /// Source: CommonMark 0.31 §2.4, "Backslash escapes"; GitHub Flavored Markdown §4.10, §6.5.
    public var markdown: String { Self.markdown(lines.joined(separator: " ")) }

    /// The same for a cell of a table, in which lines are parted by `<br>`.
    public var markdownCell: String { lines.map { Self.markdown($0) }.joined(separator: "<br>") }

    private static func markdown(_ line: String) -> String {
        var escaped = String.UnicodeScalarView(), previous: Unicode.Scalar?
        var rest = line.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "_" where previous?.isASCIIAlphanumeric ?? false && rest.first?.isASCIIAlphanumeric ?? false:
                escaped.append(scalar)
            case "\\", "`", "*", "_", "[", "]", "<", ">", "|", "~", "#", "$", "&":
                escaped.append("\\")
                escaped.append(scalar)
            case "\t": escaped.append(" ")
            default: escaped.append(scalar.isControl ? "\u{FFFD}" : scalar)
            }
            previous = scalar
        }
        return String(escaped)
    }

    /// For a span of code in Markdown, in which no escape is read: a backtick is an apostrophe.
    ///
    /// Source: CommonMark 0.31 §6.1.
    public var markdownCode: String { OutsideText(inOneLine).replacingScalars { $0 == "`" ? "'" : nil } }

    /// For Telegram's MarkdownV2.
    ///
    /// Source: Telegram Bot API, "MarkdownV2 style".
    public var telegramMarkdownV2: String { escaped("\\_*[]()~`>#+-=|{}.!") }

    /// For Telegram's older Markdown.
    ///
    /// Source: Telegram Bot API, "Markdown style".
    public var telegramMarkdown: String { escaped("_*`[") }

    private func escaped(_ special: String) -> String {
        let special = special.unicodeScalars
        return replacingScalars { special.contains($0) ? "\\\($0)" : nil }
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIIAlphanumeric: Bool { (0x30...0x39).contains(value) || (0x61...0x7A).contains(value | 0x20) }
}
