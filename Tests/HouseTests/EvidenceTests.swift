import Foundation
import Testing

/// Guards against pages that promise what no test holds: each test and file that they name is there.
struct `The evidence that pages name` {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// By the name of its file, the text of each test.
    private static let tests: [String: String] = {
        let files = FileManager.default.enumerator(at: root.appending(path: "Tests"), includingPropertiesForKeys: nil)
        var texts: [String: String] = [:]
        for case let file as URL in files! where file.pathExtension == "swift" {
            // Suites of several rooms may bear one name.
            texts[file.deletingPathExtension().lastPathComponent, default: ""] +=
                (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        }
        return texts
    }()

    @Test(arguments: ["SECURITY.md", "docs/reliability.md", "docs/limits.md"])
    func `is there, word for word`(page: String) throws {
        let text = try String(contentsOf: Self.root.appending(path: page), encoding: .utf8)
        var count = 0
        for match in text.matches(of: /`(?<file>\w+(?:Tests|Cases))`(?:, "(?<test>[^"]+)")?/) {
            count += 1
            let found = Self.tests[String(match.file)]
            #expect(found != nil, "\(page) names \(match.file)")
            if let test = match.test { #expect(found?.contains("func `\(test)`") == true, "\(page): \(match.file), \(test)") }
        }
        for match in text.matches(of: /`(?<path>(?:Sources|Tests|Benchmarks)\/[\w\/+]+\.\w+)`/) {
            let path = Self.root.appending(path: String(match.path)).path
            #expect(FileManager.default.fileExists(atPath: path), "\(page) names \(match.path)")
        }
        #expect(count > 20)
    }

    /// A threat without an answer that something holds is a wish.
    @Test func `is in each row of the threats and of the faults`() throws {
        for page in ["SECURITY.md", "docs/reliability.md"] {
            let text = try String(contentsOf: Self.root.appending(path: page), encoding: .utf8)
            for line in text.split(separator: "\n") where line.hasPrefix("| ") {
                let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                // The head, and lines that only part the table.
                guard cells.count >= 4, cells.last != "held by", !cells[1].isEmpty else { continue }
                #expect(cells.last!.contains("`"), "\(page): \(line)")
            }
        }
    }
}
