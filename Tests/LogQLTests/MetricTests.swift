import Columns
import Testing

@testable import LogQL

struct `A metric query` {
    /// A line each ten seconds for two minutes, from second 0 to 110: users in turn, and numbers that grow.
    private let store = TestStore(
        lines: (0..<12).map { index in
            TestLine(
                "n=\(index) took=\(index * 10)ms", at: Int64(index * 10), ["job": "test", "host": index < 6 ? "a" : "b"],
                knows: [("user", ["ann", "bob", "eve"][index % 3])])
        })

    /// The series by the text of their labels, at seconds 60 and 120.
    private func series(_ query: String) throws -> [String: [Double?]] {
        guard case .metric(let expression) = try LogQuery(parsing: query) else { return [:] }
        let steps = try Steps(from: Timestamp(seconds: 60), to: Timestamp(seconds: 120), step: .seconds(60))
        switch try store.value(of: expression, at: steps) {
        case .scalar(let numbers): return ["": numbers]
        case .series(let series):
            return Dictionary(
                uniqueKeysWithValues: series.map { labels, values in
                    (labels.map { "\($0.key)=\($0.value)" }.joined(separator: " "), values)
                })
        }
    }

    /// What second 60 has of the minute before it are the lines of seconds 10 to 60, of which the last is the first of host b.
    private static let cases: [(String, [String: [Double?]])] = [
        (#"count_over_time({job="test"}[1m])"#, ["host=a job=test": [5, nil], "host=b job=test": [1, 5]]),
        (#"sum(count_over_time({job="test"}[1m]))"#, ["": [6, 5]]),
        (#"sum by (user) (count_over_time({job="test"}[1m]))"#, ["user=ann": [2, 1], "user=bob": [2, 2], "user=eve": [2, 2]]),
        (#"sum without (host) (count_over_time({job="test"}[1m]))"#, ["job=test": [6, 5]]),
        (#"sum(rate({job="test"}[1m])) * 60"#, ["": [6, 5]]),
        (#"sum(count_over_time({job="test"}[1m] offset 1m))"#, ["": [1, 6]]),
        (#"sum(bytes_over_time({job="test", host="a"}[20s]))"#, ["": [13, nil]]),
        (
            #"sum_over_time({job="test"} | logfmt | unwrap n | drop took [1m])"#,
            ["host=a job=test": [15, nil], "host=b job=test": [6, 45]]
        ),
        (#"max_over_time({job="test"} | logfmt | unwrap n [1m]) by (job)"#, ["job=test": [6, 11]]),
        (#"min_over_time({job="test"} | logfmt | unwrap duration(took) [1m]) by (job)"#, ["job=test": [0.01, 0.07]]),
        (#"avg_over_time({job="test"} | logfmt | unwrap n [1m]) by (job)"#, ["job=test": [3.5, 9]]),
        (#"first_over_time({job="test"} | logfmt | unwrap n [1m]) by (job)"#, ["job=test": [1, 7]]),
        (#"last_over_time({job="test"} | logfmt | unwrap n [1m]) by (job)"#, ["job=test": [6, 11]]),
        (#"quantile_over_time(0.5, {job="test"} | logfmt | unwrap n [1m]) by (job)"#, ["job=test": [3.5, 9]]),
        (#"stdvar_over_time({job="test"} | logfmt | unwrap n [1m]) by (job)"#, ["job=test": [35.0 / 12, 2]]),
        (#"count(count_over_time({job="test"}[1m]))"#, ["": [2, 1]]),
        (#"avg(count_over_time({job="test"}[1m]))"#, ["": [3, 5]]),
        (#"topk(1, count_over_time({job="test"}[1m]))"#, ["host=a job=test": [5, nil], "host=b job=test": [nil, 5]]),
        (#"bottomk(1, sum by (user) (count_over_time({job="test"}[2m])))"#, ["user=ann": [nil, 3], "user=bob": [2, nil]]),
        (#"absent_over_time({job="none"}[1m])"#, ["job=none": [1, 1]]),
        (#"absent_over_time({host="a"}[1m])"#, ["host=a": [nil, 1]]),
        (#"sum(count_over_time({job="test"}[1m])) > 5"#, ["": [6, nil]]),
        (#"sum(count_over_time({job="test"}[1m])) > bool 5"#, ["": [1, 0]]),
        (#"5 < sum(count_over_time({job="test"}[1m]))"#, ["": [6, nil]]),
        (
            #"count_over_time({job="test"}[1m]) / count_over_time({job="test"}[2m])"#,
            ["host=a job=test": [5.0 / 6, nil], "host=b job=test": [1, 5.0 / 6]]
        ),
        (#"sum(count_over_time({job="none"}[1m])) or vector(0)"#, ["": [0, 0]]),
        (#"count_over_time({job="test"}[1m]) and count_over_time({host="b"}[1m])"#, ["host=b job=test": [1, 5]]),
        (#"count_over_time({job="test"}[1m]) unless count_over_time({host="b"}[1m])"#, ["host=a job=test": [5, nil]]),
        (#"vector(1) + vector(1)"#, ["": [2, 2]]),
        (#"1 + 2 * 3 ^ 2 ^ 0 - 8 / 4 % 3"#, ["": [5, 5]]),
        (#"-2 ^ 2"#, ["": [-4, -4]]),
    ]

    @Test(arguments: cases.indices) func `gives a number per series and step`(index: Int) throws {
        let (query, wanted) = Self.cases[index]
        let found = try series(query)
        #expect(Set(found.keys) == Set(wanted.keys), "\(query): \(found)")
        for (labels, values) in wanted {
            for (value, want) in zip(found[labels] ?? [], values) {
                #expect((value == nil) == (want == nil) && abs((value ?? 0) - (want ?? 0)) < 1e-9, "\(query): \(found)")
            }
        }
    }

    @Test func `makes a bounded number of series, points and samples`() throws {
        let many = TestStore(lines: (0..<100).map { TestLine("id=\($0)", at: 50) })
        var limits = LogLimits()
        limits.series = 50
        limits.samples = 50
        let steps = Steps(at: Timestamp(seconds: 60))
        func value(_ query: String) throws -> MetricValue {
            guard case .metric(let expression) = try LogQuery(parsing: query) else { return .scalar([]) }
            return try many.value(of: expression, at: steps, limits: limits)
        }
        #expect(throws: LogQLError.self) { try value(#"count_over_time({job="test"} | logfmt [1m])"#) }
        #expect(throws: LogQLError.self) {
            try value(#"quantile_over_time(0.5, {job="test"} | logfmt | unwrap id [1m]) by (job)"#)
        }
        _ = try value(#"sum(count_over_time({job="test"} | logfmt [1m]))"#)
        #expect(throws: LogQLError.self) {
            try Steps(from: Timestamp(seconds: 0), to: Timestamp(seconds: 100_000), step: .seconds(1))
        }
    }

    /// The points whose range has a time in it, held against a look at each of them.
    @Test func `finds the points of a line by arithmetic as by looking at each`() throws {
        var random = SplitMix64(seed: 11)
        for _ in 0..<5000 {
            let start = Int64.random(in: -50...50, using: &random), count = Int64.random(in: 0...20, using: &random)
            let step = Int64.random(in: 1...9, using: &random)
            let steps = try Steps(
                from: Timestamp(microseconds: start), to: Timestamp(microseconds: start + count * step), step: .microseconds(step)
            )
            let time = Int64.random(in: -100...250, using: &random), range = Int64.random(in: 1...60, using: &random)
            let offset = Int64.random(in: -20...20, using: &random)
            let wanted = (0..<steps.count).filter { index in
                let end = steps.time(index) - offset
                return time > end - range && time <= end
            }
            #expect(Array(steps.indices(of: time, range: range, offset: offset)) == wanted)
        }
    }

    @Test func `asks for lines newest first, or oldest first, and no more than wanted`() throws {
        let selector = try LogSelector(parsing: #"{job="test"} | user != "bob""#)
        let range = Timestamp(seconds: 0)...Timestamp(seconds: 1000)
        let newest = try store.lines(selector, in: range, limit: 3)
        #expect(newest.map { $0.record.time } == [110, 90, 80].map { Timestamp(seconds: $0) })
        let oldest = try store.lines(selector, in: range, limit: 3, oldestFirst: true)
        #expect(oldest.map { $0.record.time } == [0, 20, 30].map { Timestamp(seconds: $0) })
    }
}
