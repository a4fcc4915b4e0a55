import Foundation
import TestSupport
import Testing

/// docs/limits.md is written from the values that the code holds.
struct `The reference of the limits` {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func `is docs/limits.md`() throws {
        #expect(try Reference.difference("docs/limits.md", Limits.page) == nil)
    }

    @Test func `names each limit once, and where it is set`() throws {
        #expect(Set(Limits.all.map(\.what)).count == Limits.all.count)
        for limit in Limits.all where limit.place.hasPrefix("Sources/") {
            #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: limit.place).path), "\(limit.what)")
        }
        let keys = try String(contentsOf: Self.root.appending(path: "docs/configuration.md"), encoding: .utf8)
        for limit in Limits.all where !limit.place.hasPrefix("Sources/") && !limit.place.hasPrefix("--") {
            let key = limit.place.split(separator: ".").last!
            #expect(keys.contains("\n| `\(key)` |"), "\(limit.place)")
        }
    }

    /// By the name of its file, the text of each file of tests.
    private static let files: [String: String] = {
        let files = FileManager.default.enumerator(at: root.appending(path: "Tests"), includingPropertiesForKeys: nil)
        var texts: [String: String] = [:]
        for case let file as URL in files! where file.pathExtension == "swift" {
            texts[file.deletingPathExtension().lastPathComponent, default: ""] +=
                (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        }
        return texts
    }()

    /// A test with its attribute, and the tables of cases that this names.
    private static func text(of test: String, in file: String) -> String? {
        guard let code = files[file], let name = code.range(of: "func `\(test)`"),
            let start = code[..<name.lowerBound].range(of: "@Test", options: .backwards)
        else { return nil }
        let end = code[name.upperBound...].range(of: "\n    }\n")?.upperBound ?? code.endIndex
        var text = String(code[start.lowerBound..<end])
        for table in text.matches(of: /arguments: (?:Self\.)?(?<name>\w+)/) {
            guard let place = code.range(of: "static let \(table.name)") else { continue }
            text += code[place.lowerBound...].components(separatedBy: "\n    @Test").first ?? ""
        }
        return text
    }

    @Test(arguments: Limits.all.indices) func `has for each limit a test that goes beyond it`(number: Int) throws {
        let limit = Limits.all[number]
        #expect(!limit.evidence.isEmpty, "\(limit.what)")
        for evidence in limit.evidence {
            let text = try #require(
                Self.text(of: evidence.test, in: evidence.file), "\(limit.what): \(evidence.file), \(evidence.test)")
            #expect(text.contains(evidence.mark), "\(limit.what): nothing of '\(evidence.mark)' is in '\(evidence.test)'")
            #expect(text.contains("#expect") || text.contains("#require"), "\(evidence.test) expects nothing")
        }
    }
}
