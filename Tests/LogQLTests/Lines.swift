import Columns

@testable import LogQL

/// A line of the tests.
struct TestLine: LogRecord {
    let time: Timestamp
    let line: String
    var labels: Labels = ["job": "test"]
    var known: [(name: OutsideText, value: String)] = []

    init(_ line: String, at second: Int64 = 0, _ labels: Labels = ["job": "test"], knows: [(String, String)] = []) {
        self.line = line
        self.labels = labels
        time = Timestamp(seconds: second)
        known = knows.map { (OutsideText($0.0), $0.1) }
    }

    func text() -> String { line }
    func value(of name: OutsideText) -> String? { labels[name.string] ?? known.first { $0.name == name }?.value }
    var fields: [(name: OutsideText, value: String)] { known }
}

/// Lines in memory.
struct TestStore: LogStore {
    let lines: [TestLine]

    func scan(_ selector: LogSelector, in range: ClosedRange<Timestamp>, _ body: (TestLine) throws -> Bool) throws {
        for line in lines where range.contains(line.time) && selector.matchers.match(line.labels) {
            guard try body(line) else { return }
        }
    }
}

/// What the stages of a query make of a line: its text, and all fields that were read; nil when it is left out.
func result(_ stages: String, of line: TestLine) throws -> (text: String, fields: [String: String])? {
    let selector = try LogSelector(parsing: "{job=\"test\"} " + stages)
    guard var line = selector.line(of: line) else { return nil }
    return (line.text, Dictionary(uniqueKeysWithValues: line.extracted.map { ($0.name.string, $0.value) }))
}
