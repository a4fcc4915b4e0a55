import Columns
import Query
import TestSupport
import Testing

@testable import obs

struct `An answer on a terminal` {
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
        answer.shown(as: format, terminalWidth: width, hasColor: hasColor)
    }

    @Test(arguments: [(nil, 24), (50, 50), (5, 5), (1, 5)] as [(Int?, Int)])
    func `has as many lines as the terminal, but at least five`(rows: Int?, lines: Int) {
        #expect(Terminal.height(rows) == lines)
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
        let text = hostile.shown(as: .table, terminalWidth: 80, hasColor: true)
        #expect(!text.dropFirst("\u{1B}[1mUSER\u{1B}[0m".count).contains("\u{1B}"))
    }

    @Test func `paints severities on a terminal`() {
        #expect(text(.table, width: 100, hasColor: true).contains("\u{1B}[31;1mcritical\u{1B}[0m"))
    }

    @Test(arguments: OutputFormat.allCases)
    func `drives no terminal by what a log says, and is exact in a pipe`(format: OutputFormat) throws {
        let hostile = "a\u{1B}[2J\u{7}\u{9B}31m\u{202E}b\u{600}\r\n\u{2066}c"
        let answer = Answer([("user", .text)], rows: [[.text(hostile)]])
        let shown = answer.shown(as: format, terminalWidth: 80, hasColor: false)
        let ends = format == .csv ? OutsideText(shown).replacing("\r\n", with: "\n") : shown
        let isDriven = ends.unicodeScalars.contains { $0.isControl && $0 != "\n" || [0x202E, 0x2066].contains($0.value) }
        #expect(!isDriven, "\(shown.debugDescription)")
        if format == .csv {
            #expect(
                HostileText.readCSV(answer.rendered(as: .csv))?[1].map { OutsideText($0) } == [OutsideText(hostile)])
        }
        if format == .jsonl { #expect(try JSON(parsing: Array(shown.utf8))["user"] == .text(OutsideText(hostile))) }
    }
}

struct `A text on a terminal` {
    private let lines: [TextLine] = [
        .status([("INC-1", nil), ("critical", "critical")]), .heading("Title"), .blank,
        .text("one two three four five six seven eight nine ten", lead: "  a  ", indent: 5),
        .text("Failed for Failedx", lead: "  ", indent: 4, marking: ["Failed"]),
        .text(String(repeating: "x", count: 90), lead: "", indent: 2),
    ]

    @Test func `breaks between words, and inside of one that is longer than a line`() {
        #expect(
            TerminalText(lines, width: 40, hasColor: false).text == """
                INC-1  critical
                Title

                  a  one two three four five six seven
                     eight nine ten
                  Failed for Failedx
                \(String(repeating: "x", count: 40))
                  \(String(repeating: "x", count: 38))
                  xxxxxxxxxxxx

                """)
    }

    @Test func `is of any width where there is no terminal`() {
        let text = TerminalText(lines, width: nil, hasColor: false).text
        #expect(text.split(separator: "\n").count == 5 && text.contains("seven eight nine ten\n"))
    }

    @Test func `has colors for states, and marks words that stand alone`() {
        let text = TerminalText(lines, width: 80, hasColor: true).text
        #expect(text.hasPrefix("\u{1B}[1mINC-1\u{1B}[0m  \u{1B}[31;1mcritical\u{1B}[0m\n\u{1B}[1mTitle\u{1B}[0m\n"))
        #expect(text.contains("  \u{1B}[1;33mFailed\u{1B}[0m for Failedx\n"))
    }
}
