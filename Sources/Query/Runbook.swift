import Foundation

/// A page that says what to do when an alert fires.
public struct Runbook: Sendable {
    public let text: String

    /// Nil when there is no page of this name. The name comes from outside: letters and digits only, so that it cannot lead out of the folder.
    public init?(folder: String, name: String) {
        guard !name.isEmpty, name.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 }),
            let bytes = FileManager.default.contents(atPath: "\(folder)/\(name).md")
        else { return nil }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// What stands under a heading of the second level, without blank lines around it.
    public func section(_ title: String) -> String? {
        var lines: [Substring] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("## ") { isInside = line.dropFirst(3) == title } else if isInside { lines.append(line) }
        }
        let found = lines.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        return found.isEmpty ? nil : found
    }
}
