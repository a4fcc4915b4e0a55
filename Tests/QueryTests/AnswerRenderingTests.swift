import Columns
import TestSupport
import Testing

@testable import Query

struct `A rendered answer` {
    let answer = Answer(
        [("id", .text), ("severity", .text), ("opened", .timestamp), ("count", .int64), ("title", .text)],
        rows: [
            [
                "INC-1001", "critical", .timestamp(Timestamp(year: 2026, month: 11, day: 21, hour: 10)), 12,
                "Brute force from 192.0.2.7",
            ],
            ["INC-1002", "warning", .null, 5, "a \"b\", c|d\n=e"],
        ])

    private func text(_ format: OutputFormat) -> String { answer.rendered(as: format) }

    @Test func `is whole and plain in a pipe`() {
        #expect(
            text(.table) == """
                ID        SEVERITY  OPENED               COUNT  TITLE
                INC-1001  critical  2026-11-21 10:00:00     12  Brute force from 192.0.2.7
                INC-1002  warning   -                        5  a "b", c|d =e

                """)
    }

    @Test func `is JSON with typed values and without nulls`() {
        #expect(
            text(.jsonl) == """
                {"id":"INC-1001","severity":"critical","opened":"2026-11-21T10:00:00Z","count":12,"title":"Brute force from 192.0.2.7"}
                {"id":"INC-1002","severity":"warning","count":5,"title":"a \\"b\\", c|d\\n=e"}

                """)
        #expect(text(.json).hasPrefix("[\n  {\"id\":\"INC-1001\""))
        #expect(Answer([("a", .text)], rows: []).rendered(as: .json) == "[]\n")
    }

    @Test func `is CSV by RFC 4180 that no spreadsheet runs as a formula`() {
        #expect(text(.csv).contains("INC-1002,warning,,5,\"a \"\"b\"\", c|d\n=e\"\r\n"))
        let formula = Answer([("a", .text), ("b", .int64)], rows: [["=1+1", -5]]).rendered(as: .csv)
        #expect(formula == "a,b\r\n'=1+1,-5\r\n")
    }

    @Test func `is a Markdown table whose cells cannot break it`() {
        #expect(text(.markdown).contains("| INC-1002 | warning |  | 5 | a \"b\", c\\|d<br>=e |\n"))
        #expect(text(.markdown).contains("| --- | --- | --- | ---: | --- |\n"))
    }

    @Test func `gives any text back from CSV, JSON and Markdown`() throws {
        var random = SplitMix64(seed: 31)
        for _ in 0..<300 {
            let texts = (0..<3).map { _ in "x" + HostileText.text(using: &random) }
            let answer = Answer([("a", .text), ("b", .text), ("c", .text)], rows: [texts.map(Value.text)])
            let same = texts.map { OutsideText($0) }
            let csv = try #require(HostileText.readCSV(answer.rendered(as: .csv)))
            #expect(csv.count == 2 && csv[1].map { OutsideText($0) } == same)
            let json = try JSON(parsing: Array(answer.rendered(as: .jsonl).utf8))
            #expect(["a", "b", "c"].map { json[$0]?.text }.map { $0.map { OutsideText($0) } } == same)
            let markdown = answer.rendered(as: .markdown)
            let lines = OutsideText(markdown).split { $0 == "\n" }
            #expect(lines.count == 4 && lines[3].isEmpty, "\(texts)")
            // A bar without a backslash before it parts cells.
            var isEscaped = false
            let cells = OutsideText(lines[2]).split { scalar in
                let isBar = scalar == "|" && !isEscaped
                isEscaped = scalar == "\\" && !isEscaped
                return isBar
            }
            #expect(cells.count == 5)
            for (cell, text) in zip(cells.dropFirst(), texts) {
                let shown = OutsideText(text).lines.map {
                    OutsideText($0).replacingScalars { $0 == "\t" ? " " : $0.isControl ? "\u{FFFD}" : nil }
                }
                let inner = String(cell.unicodeScalars.dropFirst().dropLast())
                let read = HostileText.readMarkdown(OutsideText(inner).replacing("<br>", with: "\n"))
                #expect(read.map { OutsideText($0) } == OutsideText(shown.joined(separator: "\n")))
            }
        }
    }
}
