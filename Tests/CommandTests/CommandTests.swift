import ArgumentParser
import Foundation
import Testing

@testable import obs

/// The words that people paste: all that the help and the pages tell them to type is a command that there is.
struct `A command that is written down` {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every page for people, from the root of the project.
    static let pages: [String] = {
        var pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "obs.example.yaml"]
        for folder in ["docs", "docs/pipelines", "runbooks"] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
            pages += names.filter { $0.hasSuffix(".md") }.sorted().map { "\(folder)/\($0)" }
        }
        return pages
    }()

    /// Each command with the words that lead to it, those with subcommands too.
    static func commands(
        _ type: any ParsableCommand.Type = Obs.self, _ words: [String] = ["obs"]
    ) -> [(words: [String], type: any ParsableCommand.Type)] {
        [(words, type)]
            + type.configuration.subcommands.flatMap { commands($0, words + [$0.configuration.commandName ?? ""]) }
    }

    @Test func `is understood as it stands`() throws {
        // Many pages say the same: each line is tried once.
        var places: [[String]: String] = [:], mentions: [[String]: String] = [:]
        for page in Self.pages {
            let written = WrittenCommands(markdown: try String(contentsOf: Self.root.appending(path: page), encoding: .utf8))
            for line in written.lines { places[line] = page }
            for line in written.mentions { mentions[line] = page }
        }
        for (words, type) in Self.commands() {
            for line in WrittenCommands(shell: type.configuration.discussion).lines {
                places[line] = words.joined(separator: " ")
            }
        }
        #expect(places.count > 150)
        for (line, place) in places { expectUnderstood(line, in: place) }
        for (line, place) in mentions where places[line] == nil { expectUnderstood(line, isWhole: false, in: place) }
    }

    private func expectUnderstood(_ words: [String], isWhole: Bool = true, in place: String) {
        do {
            _ = try Obs.parseAsRoot(words)
        } catch {
            let said = Obs.message(for: error)
            // Help, version, and a command that a sentence speaks of without saying to what.
            if Obs.exitCode(for: error).isSuccess || said.hasPrefix("Missing ") && !isWhole { return }
            Issue.record("\(place): obs \(words.joined(separator: " ")): \(said)")
        }
    }

    @Test func `has a help that ends in examples, which fit a terminal`() {
        for (words, type) in Self.commands() where type.configuration.subcommands.isEmpty {
            let help = type.configuration.discussion, place = words.joined(separator: " ")
            #expect(!type.configuration.abstract.isEmpty, "\(place)")
            let examples = help.split(separator: "\n").drop { $0 != "Examples:" }.dropFirst()
            #expect(examples.count >= 2, "\(place) has no two examples")
            for line in examples { #expect(line.hasPrefix("  ") && line.count <= 80, "\(place): \(line)") }
        }
    }
}

/// The lines of a text that call obs, as the shell would cut them into words.
struct WrittenCommands {
    private(set) var lines: [[String]] = []
    /// Those in the middle of a sentence.
    private(set) var mentions: [[String]] = []

    /// Takes blocks of `sh`, and what stands between backticks in a paragraph if it is whole: without `[…]`, which stands for words that may follow.
    init(markdown text: String) {
        var fence: Substring?
        var block = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                if fence == "```sh" { add(shell: block) }
                (fence, block) = (fence == nil ? line : nil, "")
            } else if fence != nil {
                block += line + "\n"
            } else {
                for span in line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                where span.offset % 2 == 1 && span.element.hasPrefix("obs ") && !span.element.contains(/[…\[|]/) {
                    mentions += WrittenCommands(shell: String(span.element)).lines
                }
            }
        }
    }

    init(shell text: String) { add(shell: text) }

    private mutating func add(shell text: String) {
        for line in text.replacing("\\\n", with: " ").split(separator: "\n") { add(line: line) }
    }

    private mutating func add(line: Substring) {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = line
        func end(_ lines: inout [[String]]) {
            if let last = word { words.append(last) }
            if words.first == "obs" { lines.append(words.dropFirst().map(Self.filledIn)) }
            (words, word) = ([], nil)
        }
        while let character = rest.popFirst() {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                (quote, word) = (character, word ?? "")
            } else if character == "$", rest.first == "(" {
                // What another command prints: that one is looked at too, and a number stands for it.
                rest.removeFirst()
                add(line: rest.prefix { $0 != ")" })
                rest = rest.drop { $0 != ")" }.dropFirst()
                word = (word ?? "") + "1"
            } else if character == " " {
                if let last = word { words.append(last) }
                word = nil
            } else if "|;&".contains(character) {
                end(&lines)
            } else if ">#<".contains(character), word == nil {
                // A redirection or a remark: nothing of it is obs's, but what follows a pipe may be.
                rest = rest.drop { $0 != "|" }
            } else {
                word = (word ?? "") + String(character)
            }
        }
        end(&lines)
    }

    /// A number where the page lets the reader put one.
    private static func filledIn(_ word: String) -> String { ["ID", "N", "VERSION"].contains(word) ? "1001" : word }
}
