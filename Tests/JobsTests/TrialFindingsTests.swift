import Columns
import Detection
import Foundation
import Testing

@testable import Jobs

struct `The findings of a trial` {
    /// As a detector of series reports it.
    private func finding(since: Int64, until: Int64, count: Int) throws -> Finding {
        try JSONDecoder().decode(
            Finding.self,
            from: Data(
                """
                {"name": "A", "detector": "series", "severity": "info", "labels": {"host": "a"}, "title": "", "description": "",
                 "startsAt": {"microseconds": \(since)}, "lastSeen": {"microseconds": \(until)}, "count": \(count),
                 "isUpdate": \(count > 1), "isSimulated": false, "evidence": [], "contributions": [
                   {"feature": "n", "value": 9, "typical": 1, "share": 1, "usual": {"low": 0, "high": 2, "reason": "r",
                    "deviations": 8, "since": {"microseconds": \(since)}}}]}
                """.utf8))
    }

    @Test func `have what lasts of a series once, at the time at which it was found`() throws {
        var findings = TrialFindings()
        findings.take([try finding(since: 5, until: 5, count: 1), try finding(since: 5, until: 9, count: 3)])
        findings.take([try finding(since: 20, until: 20, count: 1)])
        #expect(findings.all.map(\.at.microseconds) == [5, 20])
        #expect(findings.all.map(\.finding.count) == [3, 1])
    }
}
