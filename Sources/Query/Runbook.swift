import Foundation

/// A page that says what to do when an alert fires.
public struct Runbook: Sendable {
    /// The page, in Markdown.
    public let text: String

    init(text: String) { self.text = text }

    /// The page in the folder, or else the one that comes with obs; nil when there is neither.
    ///
    /// - Parameter name: from outside, so only letters and digits are allowed: it cannot lead out of the folder.
    public init?(folder: String, name: String) {
        guard !name.isEmpty, name.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 })
        else {
            return nil
        }
        let found = FileManager.default.contents(atPath: "\(folder)/\(name).md").map { String(decoding: $0, as: UTF8.self) }
        guard let text = found ?? RunbookTexts.all[name] else { return nil }
        self.text = text
    }

    /// The names of all pages, in the folder and in the program, in order.
    public static func names(folder: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return Set(files.filter { $0.hasSuffix(".md") }.map { String($0.dropLast(3)) } + RunbookTexts.all.keys).sorted()
    }

    /// The text under a heading of the second level, without blank lines around it; nil if there is none.
    func section(_ title: String) -> String? {
        var lines: [Substring] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("## ") { isInside = line.dropFirst(3) == title } else if isInside { lines.append(line) }
        }
        let found = lines.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        return found.isEmpty ? nil : found
    }

    /// The dashboard that its section "Related" names, such as `obs-shop`.
    public var dashboard: String? { section("Related")?.firstMatch(of: /dashboard `([a-z-]+)`/).map { String($0.1) } }

    /// The page as markup.
    ///
    /// - Parameter level: the level of its title: 1 for a page of its own.
    public func html(level: Int = 1) -> HTML { MarkdownPage(text, level: level).html }
}
