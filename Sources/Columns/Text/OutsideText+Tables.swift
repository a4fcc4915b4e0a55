/// Fields of tables, matchers and labels as text.
extension OutsideText {
    /// A field of CSV: in quotes where it holds a comma, a quote or a line end.
    ///
    /// Source: RFC 4180 §2.
    public var csvField: String {
        guard string.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return string }
        return "\"" + replacingScalars { $0 == "\"" ? "\"\"" : nil } + "\""
    }

    /// The same for people's spreadsheets: what one would run as a formula has an apostrophe before it.
    ///
    /// Source: OWASP, "CSV Injection".
    public var csvFieldWithoutFormula: String {
        guard let first = scalars.first, "=+-@\t\r\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains(first),
            first != "-" || Double(string) == nil
        else { return csvField }
        return OutsideText("'" + string).csvField
    }

    /// As one word of a shell: between apostrophes no character is special.
    ///
    /// Source: POSIX.1-2024, Shell Command Language, §2.2.2.
    public var shellWord: String { "'" + replacingScalars { $0 == "'" ? "'\\''" : nil } + "'" }

    /// In double quotes, as the values of matchers and of labels are written.
    ///
    /// Source: OpenMetrics 1.0, "escaped-string"; Alertmanager, pkg/labels, openMetricsEscape.
    public var quotedLabel: String { "\"" + replacingScalars(Self.labelEscape) + "\"" }

    /// In double quotes, with every control character as an escape: pages change them within a field, and terminals obey them.
    ///
    /// Source: Go, strconv.Quote, as Alertmanager 0.27 prints and reads matchers.
    public var quotedWithEscapes: String {
        "\""
            + replacingScalars { scalar in
                Self.labelEscape(scalar)
                    ?? (scalar.isControl ? "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16) : nil)
            } + "\""
    }

    private static func labelEscape(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "\\": "\\\\"
        case "\"": "\\\""
        case "\n": "\\n"
        default: nil
        }
    }
}
