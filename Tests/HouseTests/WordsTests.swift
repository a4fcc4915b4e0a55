import Foundation
import Testing

/// Comments and texts use the words of the field (CONTRIBUTING.md, "Words"): none that a native reader has to read twice.
struct `The words of the house` {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// How many lines may still have such words: the number only goes down, and whoever mends lines lowers it.
    private static let remaining = 0
    /// Rooms that have none left.
    private static let finished: Set<String> = [
        "Columns", "Configuration", "Detection", "Ingest", "Jobs", "Lake", "Parsing", "Query", "Server", "Simulation", "Store",
        "Streaming", "Telemetry", "Transfer", "obs",
    ]

    @Test func `are those of the field`() throws {
        var left: [String] = []
        for room in try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path).sorted() {
            let found = try mistakes(room)
            if Self.finished.contains(room) {
                #expect(found.isEmpty, "\(room):\n\(found.joined(separator: "\n"))")
            } else {
                left += found
            }
        }
        #expect(left.count <= Self.remaining, "\(left.count):\n\(left.joined(separator: "\n"))")
    }

    private func mistakes(_ room: String) throws -> [String] {
        let files = FileManager.default.enumerator(at: root.appending(path: "Sources/\(room)"), includingPropertiesForKeys: nil)
        var found: [String] = []
        for case let file as URL in files! where file.pathExtension == "swift" {
            let code = try Data(contentsOf: file)
            // Runbooks and pipelines are for their own pages.
            guard !code.prefix(400).contains("// Written by `make builtin`") else { continue }
            for (number, line) in code.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
                guard let instead = Prose(line).mistake else { continue }
                let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
                found.append("\(room)/\(file.lastPathComponent):\(number + 1): write '\(instead)': \(text)")
            }
        }
        return found
    }

    @Test(arguments: [
        ("/// This is no number.", "is not a …"), ("/// It is no longer there.", nil), ("/// There is no row.", nil),
        ("/// Who was told?", "notified; distinguished"),
        ("let text = \"it stands there\"", "is, are"), ("// It stands for a row.", nil), ("let owed = told()", nil),
        ("/// Ten rows a second.", "per …"), ("/// What was there before.", "the previous …, the existing …"),
        ("/// Links for who is notified.", "the user …, the reader …"), ("x = 1  // owed to somebody", "pending"),
    ])
    func `are looked for in comments and texts, not in code`(line: String, instead: String?) {
        #expect(Prose(Data(line.utf8)).mistake == instead)
    }
}

extension Data {
    fileprivate func contains(_ text: String) -> Bool { range(of: Data(text.utf8)) != nil }
}

/// The words of the comment and of the string literals of a line of code, in lower case.
private struct Prose {
    private var words: [String] = []

    init(_ line: Data) {
        var word: [UInt8] = [], isText = false, isComment = false, isEscaped = false
        var previous: UInt8 = 0
        for byte in line {
            if !isComment, byte == UInt8(ascii: "\""), !isEscaped { isText.toggle() }
            if !isText, byte == UInt8(ascii: "/"), previous == byte { isComment = true }
            let isLetter = byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
            if isLetter, isText || isComment {
                word.append(byte | 0x20)
            } else if !word.isEmpty {
                words.append(String(decoding: word, as: UTF8.self))
                word = []
            }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
            previous = byte
        }
        if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
    }

    /// What to write instead of the first word that is not one of the house; nil when all are.
    var mistake: String? {
        for index in words.indices {
            let next = index + 1 < words.count ? words[index + 1] : "", third = index + 2 < words.count ? words[index + 2] : ""
            switch words[index] {
            case "is", "are", "was", "were":
                // "There is no receiver" is how the field says it; "this is no receiver" is not.
                let isThere = index > 0 && words[index - 1] == "there"
                if next == "no", !isThere, !["", "longer", "more", "less"].contains(third) { return "is not a …" }
            case "what":
                if ["is", "was", "were"].contains(next), third == "there" { return "the previous …, the existing …" }
            case "told": return "notified; distinguished"
            case "stand", "stands", "stood":
                if !["for", "in", "by", "out"].contains(next) { return "is, are" }
            case "bury", "buries", "buried": return "turn into a dead letter"
            case "owe", "owes", "owed", "owing": return "pending"
            case "for", "of", "to", "by", "than":
                if next == "who" { return "the user …, the reader …" }
            case "bytes", "rows", "lines", "steps", "once", "times", "logins", "events", "requests":
                if next == "a", Self.units.contains(third) { return "per …" }
            default: break
            }
        }
        return nil
    }

    private static let units: Set = [
        "second", "minute", "hour", "day", "row", "line", "batch", "file", "incident", "group", "receiver", "transaction",
        "process",
    ]
}
