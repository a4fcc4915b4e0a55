/// A text with names in braces, such as `Brute force from {source}`, that is filled in one pass: what is put in is never looked
/// at for names again, because attackers choose user names.
struct TextTemplate: Sendable {
    private enum Part: Sendable {
        case text(String)
        case name(String)
    }

    private var parts: [Part] = []

    /// - Parameter names: what stands for a value; other words in braces are text.
    init(_ text: String, names: Set<String>) {
        var rest = text[...]
        var plain = ""
        while let open = rest.firstIndex(of: "{") {
            plain += rest[..<open]
            let inner = rest[rest.index(after: open)...]
            if let close = inner.firstIndex(of: "}"), names.contains(String(inner[..<close])) {
                if !plain.isEmpty { parts.append(.text(plain)) }
                plain = ""
                parts.append(.name(String(inner[..<close])))
                rest = inner[inner.index(after: close)...]
            } else {
                plain += "{"
                rest = inner
            }
        }
        plain += rest
        if !plain.isEmpty { parts.append(.text(plain)) }
    }

    /// - Parameter value: of a name.
    func filled(_ value: (String) -> String) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let plain): text += plain
            case .name(let name): text += value(name)
            }
        }
        return text
    }

    /// The names in braces in `text`. Braces around anything else are text.
    static func names(in text: String) -> [String] {
        text.matches(of: /\{([A-Za-z_][A-Za-z0-9_.]*)\}/).map { String($0.1) }
    }
}
