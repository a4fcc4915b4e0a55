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

    private func text(_ format: OutputFormat, width: Int? = nil, hasColor: Bool = false) -> String {
        Renderer(format: format, terminalWidth: width, hasColor: hasColor).render(answer)
    }

    @Test func `is whole and plain in a pipe`() {
        #expect(
            text(.table) == """
                ID        SEVERITY  OPENED               COUNT  TITLE
                INC-1001  critical  2026-11-21 10:00:00     12  Brute force from 192.0.2.7
                INC-1002  warning   -                        5  a "b", c|d =e

                """)
    }

    @Test(arguments: [60, 64, 70])
    func `fits the terminal by cutting the widest text`(width: Int) {
        let lines = text(.table, width: width).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= width })
        #expect(lines[1].hasSuffix("…"))
        #expect(lines[1].contains("INC-1001"))
    }

    @Test func `shows no control character to a terminal`() {
        let hostile = Answer([("user", .text)], rows: [["\u{1B}[2Jroot\u{9B}31m"]])
        let text = Renderer(format: .table, terminalWidth: 80, hasColor: true).render(hostile)
        #expect(!text.dropFirst("\u{1B}[1mUSER\u{1B}[0m".count).contains("\u{1B}"))
    }

    @Test func `paints severities on a terminal`() {
        #expect(text(.table, width: 100, hasColor: true).contains("\u{1B}[31;1mcritical\u{1B}[0m"))
    }

    @Test func `is JSON with typed values and without nulls`() {
        #expect(
            text(.jsonl) == """
                {"id":"INC-1001","severity":"critical","opened":"2026-11-21T10:00:00Z","count":12,"title":"Brute force from 192.0.2.7"}
                {"id":"INC-1002","severity":"warning","count":5,"title":"a \\"b\\", c|d\\n=e"}

                """)
        #expect(text(.json).hasPrefix("[\n  {\"id\":\"INC-1001\""))
        #expect(Renderer(format: .json).render(Answer([("a", .text)], rows: [])) == "[]\n")
    }

    @Test func `is CSV by RFC 4180 that no spreadsheet runs as a formula`() {
        #expect(text(.csv).contains("INC-1002,warning,,5,\"a \"\"b\"\", c|d\n=e\"\r\n"))
        let formula = Renderer(format: .csv).render(Answer([("a", .text), ("b", .int64)], rows: [["=1+1", -5]]))
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
            let csv = try #require(HostileText.readCSV(Renderer(format: .csv).render(answer)))
            #expect(csv.count == 2 && csv[1].map { OutsideText($0) } == same)
            let json = try JSON(parsing: Array(Renderer(format: .jsonl).render(answer).utf8))
            #expect(["a", "b", "c"].map { json[$0]?.text }.map { $0.map { OutsideText($0) } } == same)
            let markdown = Renderer(format: .markdown).render(answer)
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

    @Test(arguments: OutputFormat.allCases)
    func `drives no terminal by what a log says, and is exact in a pipe`(format: OutputFormat) throws {
        let hostile = "a\u{1B}[2J\u{7}\u{9B}31m\u{202E}b\u{600}\r\n\u{2066}c"
        let answer = Answer([("user", .text)], rows: [[.text(hostile)]])
        let shown = Renderer(format: format, terminalWidth: 80).render(answer)
        let ends = format == .csv ? OutsideText(shown).replacing("\r\n", with: "\n") : shown
        let isDriven = ends.unicodeScalars.contains { $0.isControl && $0 != "\n" || [0x202E, 0x2066].contains($0.value) }
        #expect(!isDriven, "\(shown.debugDescription)")
        if format == .csv {
            #expect(
                HostileText.readCSV(Renderer(format: .csv).render(answer))?[1].map { OutsideText($0) } == [OutsideText(hostile)])
        }
        if format == .jsonl { #expect(try JSON(parsing: Array(shown.utf8))["user"] == .text(OutsideText(hostile))) }
    }
}
