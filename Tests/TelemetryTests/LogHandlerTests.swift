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
