import Foundation
import Logging
import TestSupport
import Testing

@testable import Telemetry

struct `A JSON log line` {
    private func lines(_ body: (Logger) -> Void) throws -> [[String: Any]] {
        let folder = TemporaryFolder(), path = folder.path + "/log.jsonl"
        let output = try #require(LogOutput(path: path))
        body(Logger(label: "obs.test") { label in JSONLogHandler(label: label, output: output) })
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func `is one object with its time, level, message, logger and facts`() throws {
        let all = try lines { logger in
            var logger = logger
            logger[metadataKey: "pipeline"] = "ssh"
            logger.info("epoch committed", metadata: ["rows": "\(4096)", "is_last": "\(true)", "offset": "007"])
            logger.debug("not written: below the level")
        }
        let line = try #require(all.first)
        #expect(all.count == 1)
        #expect(line["level"] as? String == "info")
        #expect(line["msg"] as? String == "epoch committed")
        #expect(line["logger"] as? String == "obs.test")
        #expect(line["pipeline"] as? String == "ssh")
        #expect(line["rows"] as? Int == 4096)
        #expect(line["is_last"] as? Bool == true)
        #expect(line["offset"] as? String == "007")
        let stamp = try #require(line["ts"] as? String)
        #expect(try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(stamp).timeIntervalSinceNow.magnitude < 60)
    }

    @Test(arguments: [
        "quote \" backslash \\", "line\nbreak\ttab\r", "\u{0}\u{1F}\u{7F}", "ünï😀", "1e5", "-", "1.", "-0.5",
        "12345678901234567890",
    ])
    func `stays one valid object whatever the text`(text: String) throws {
        let line = try #require(try lines { $0.info("\(text)", metadata: ["value": "\(text)"]) }.first)
        #expect(line["msg"] as? String == text)
        #expect("\(line["value"]!)" == text)
    }
}

struct `A log line for a terminal` {
    @Test(arguments: ["\u{1B}[2J", "a \u{9B}31m", "\u{7}", "x\u{202E}y", "a\rb", "\u{600}\u{1B}\u{301}"])
    func `drives it by no text`(text: String) throws {
        let folder = TemporaryFolder(), path = folder.path + "/log.txt"
        let output = try #require(LogOutput(path: path))
        Logger(label: "obs.test") { _ in TerminalLogHandler(output: output, hasColor: false) }.info(
            "saw \(text)", metadata: ["value": "\(text)"])
        let line = try String(contentsOfFile: path, encoding: .utf8)
        #expect(
            !line.unicodeScalars.dropLast().contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0.value == 0x202E }
        )
    }
}
