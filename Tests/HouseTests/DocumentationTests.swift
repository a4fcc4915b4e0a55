import Foundation
import Testing

/// The pages for people.
struct `The documentation` {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func text(_ path: String) throws -> String { try String(contentsOf: root.appending(path: path), encoding: .utf8) }

    /// The pages of docs/, from there.
    private func pages() -> [String] {
        let folder = root.appending(path: "docs"), files = FileManager.default.enumerator(atPath: folder.path)
        return files!.compactMap { $0 as? String }.filter { $0.hasSuffix(".md") }.sorted()
    }

    /// Where the links of a page lead, without those to other hosts.
    private func links(_ page: String) throws -> [String] {
        try text(page).matches(of: /\]\((?<target>[^)\s]+)\)/).map { String($0.target) }
            .filter { !$0.contains("://") && !$0.hasPrefix("mailto:") }
    }

    @Test func `has an index that lists every page of docs`() throws {
        let linked = Set(try links("docs/README.md"))
        for page in pages() where page != "README.md" { #expect(linked.contains(page), "docs/README.md does not list \(page)") }
    }

    @Test func `has no link that leads nowhere`() throws {
        for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] + pages().map({ "docs/" + $0 }) {
            let folder = root.appending(path: page).deletingLastPathComponent()
            for link in try links(page) {
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let target = parts[0].isEmpty ? root.appending(path: page) : folder.appending(path: String(parts[0])).standardized
                #expect(FileManager.default.fileExists(atPath: target.path), "\(page): \(link)")
                guard parts.count == 2, target.pathExtension == "md" else { continue }
                let headings = try String(contentsOf: target, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("#") }
                #expect(headings.map(anchor).contains(String(parts[1])), "\(page): \(link)")
            }
        }
    }

    @Test func `names files and folders of the sources that there are`() throws {
        for page in ["CONTRIBUTING.md", "ARCHITECTURE.md"] {
            for found in try text(page).matches(of: /`(?<path>Sources\/[\w+\/.]+)`/) {
                let path = String(found.path)
                #expect(FileManager.default.fileExists(atPath: root.appending(path: path).path), "\(page): \(path)")
            }
        }
    }

    /// The anchor that GitHub gives a heading: lower case, hyphens for blanks, no punctuation.
    private func anchor(_ heading: Substring) -> String {
        let words = heading.drop { $0 == "#" || $0 == " " }.lowercased()
        return String(words.compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" ? $0 : nil })
    }
}
