import Columns
import Logging

/// A learned expectation at its place in a pipeline: measures spans of event time, and shows what is unlike usual.
struct RunningUsualExpectation: RunningStage {
    /// A share of fewer rows says nothing.
    private static let leastRows = 20

    private let name: String
    private let every: Duration
    private let timeColumn: String
    private let gauges: UsualGauges
    private let logger: Logger
    private var spans: MeasuredSpans
    /// Of ended spans, each kind in the order of the columns.
    private var volume: LearnedMeasure?
    private var nulls: [LearnedMeasure]
    private var distinct: [LearnedMeasure]
    private var age: RowAge?

    init(_ expectation: UsualExpectation, name: String, _ start: StageStart) {
        self.name = name
        every = expectation.every
        timeColumn = start.before.timeColumn
        logger = start.logger
        gauges = UsualGauges(start.metrics, stream: start.name, expectation: name)
        let schema = start.before.schema
        nulls = expectation.watched(.nulls, schema).map { LearnedMeasure(.nulls, column: $0) }
        distinct = expectation.watched(.distinct, schema).map { LearnedMeasure(.distinct, column: $0) }
        volume = expectation.measures.contains(.volume) ? LearnedMeasure(.volume) : nil
        age = expectation.measures.contains(.freshness) ? RowAge(every: every) : nil
        spans = MeasuredSpans(length: every, nulls: nulls.map(\.column), distinct: distinct.map(\.column))
        for measure in measures { gauges.show(measure) }
    }

    var stateRows: Int { spans.count + measures.count }

    private var measures: [LearnedMeasure] { [volume, age?.measure].compactMap(\.self) + nulls + distinct }

    mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
        for flow in flows {
            guard let times = flow.batch[timeColumn] else { continue }
            age?.observe(times, count: flow.batch.count, arrivals: round.arrivals, origins: flow.origins)
            spans.observe(flow.batch, times: times, flow.watermarks)
        }
        var ended: [(start: Int64, span: MeasuredSpan)] = []
        spans.close(upTo: round.watermark) { ended.append(($0, $1)) }
        for (start, span) in ended { observe(span, at: Timestamp(microseconds: start)) }
        return flows
    }

    private mutating func observe(_ span: MeasuredSpan, at time: Timestamp) {
        volume = follow(volume, Double(span.rows), time, span.rows)
        guard span.rows >= Self.leastRows else { return }
        for i in nulls.indices {
            nulls[i] = follow(nulls[i], Double(span.nulls[i]) / Double(span.rows), time, span.rows)!
        }
        for i in distinct.indices { distinct[i] = follow(distinct[i], Double(span.distinct[i].count), time, span.rows)! }
    }

    /// The measure behind its next value, which is shown; what begins to be unusual is logged once.
    private func follow(_ measure: LearnedMeasure?, _ value: Double, _ time: Timestamp, _ rows: Int) -> LearnedMeasure? {
        guard var next = measure else { return nil }
        next.observe(value, at: time, rows: rows)
        show(next, wasUnusual: measure?.since != nil)
        return next
    }

    private func show(_ measure: LearnedMeasure, wasUnusual: Bool) {
        gauges.show(measure)
        guard (measure.since != nil) != wasUnusual else { return }
        let metadata: Logger.Metadata = [
            "expectation": "\(name)", "measure": "\(measure.measure.rawValue)", "column": "\(measure.column)",
            "since": "\(measure.since ?? Timestamp(microseconds: 0))",
        ]
        if wasUnusual {
            logger.notice("rows are as usual again: \(measure.sentence ?? "")", metadata: metadata)
        } else {
            logger.warning("rows are unlike usual: \(measure.sentence ?? "")", metadata: metadata)
        }
    }

    mutating func pass(_ now: Timestamp) {
        guard var next = age, next.pass(now) else { return }
        show(next.measure, wasUnusual: age?.measure.since != nil)
        age = next
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        spans.encode(to: &writer)
        volume?.encode(to: &writer)
        for measure in nulls + distinct { measure.encode(to: &writer) }
        age?.encode(to: &writer)
    }

    mutating func decode(from reader: inout StateReader) throws {
        try spans.decode(from: &reader)
        try volume?.decode(from: &reader)
        for i in nulls.indices { try nulls[i].decode(from: &reader) }
        for i in distinct.indices { try distinct[i].decode(from: &reader) }
        try age?.decode(from: &reader)
        for measure in measures { gauges.show(measure) }
    }
}

/// How old the newest row is, by the clock. Only a stream asks: in a batch all lines arrive at once.
struct RowAge: Sendable {
    private let every: Int64
    private(set) var measure = LearnedMeasure(.freshness)
    /// The newest event time, none ahead of the arrival of its line.
    private var newest = Int64.min
    /// When this process first asked: what obs did not read while it was down is not old for that.
    private var started: Timestamp?
    /// The start of the span of the clock that is under way, and the greatest age in it.
    private var span = Int64.min
    private var greatest = 0.0

    init(every: Duration) { self.every = every.inMicroseconds }

    /// - Parameter origins: by row, the row of the parsed batch that it came from, of which `arrivals` knows.
    mutating func observe(_ times: Column, count: Int, arrivals: Column?, origins: [Int32]?) {
        for row in 0..<count {
            guard let time = times.integer(at: row), time > newest else { continue }
            let arrival = origins.flatMap { origins in arrivals?.integer(at: Int(origins[row])) }
            newest = max(newest, min(time, arrival ?? time))
        }
    }

    /// Looks at the clock. A span that is over is learned by its greatest age.
    ///
    /// - Returns: whether there is something to show.
    mutating func pass(_ now: Timestamp) -> Bool {
        guard newest > .min else { return false }
        let started = started ?? now
        self.started = started
        let age = Double(max(0, now.microseconds - max(newest, started.microseconds))) / 1e6
        let current = now.microseconds - now.microseconds % every
        if current > span {
            if span > .min { measure.learn(greatest, at: Timestamp(microseconds: span)) }
            (span, greatest) = (current, 0)
        }
        greatest = max(greatest, age)
        measure.judge(age, at: Timestamp(microseconds: span))
        return true
    }

    func encode(to writer: inout StateWriter) {
        measure.encode(to: &writer)
        for time in [newest, span] { writer.write(time) }
        writer.write(greatest)
    }

    mutating func decode(from reader: inout StateReader) throws {
        try measure.decode(from: &reader)
        (newest, span) = (try reader.int64(), try reader.int64())
        greatest = try reader.double()
    }
}
