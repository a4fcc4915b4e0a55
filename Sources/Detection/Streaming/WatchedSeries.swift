import Columns
import Series

/// One series, and what was found in it last.
struct WatchedSeries {
    let labels: Labels
    private let first: Timestamp
    private(set) var newest: Timestamp
    private var detector = SeriesDetector()
    private var value = 0.0
    private var reading: SeriesReading?
    /// What was reported last; nil before the first, and after the series was usual again.
    var finding: Found?

    /// What is unusual, as of its most unusual value.
    struct Found: Equatable {
        var value, expected, low, high, score, deviations: Double
        var reason: String
        var since: Timestamp
        var lastSeen: Timestamp
        /// Unusual values so far.
        var count = 1
        /// Whether something has come that was not reported.
        var hasNews = false
    }

    init(labels: Labels, first: Timestamp) {
        self.labels = labels
        self.first = first
        newest = first
    }

    /// Takes the next value.
    ///
    /// - Parameter isLeftOut: whether nothing is to be learned from it.
    /// - Returns: whether ``finding`` is new.
    mutating func observe(_ value: Double, at time: Timestamp, isLeftOut: Bool, _ settings: SeriesSettings) -> Bool {
        let reading = detector.observe(value, at: time, learning: !isLeftOut)
        (self.value, self.reading) = (value, reading)
        newest = max(newest, time)
        guard reading.isUnusual else {
            // What was reported is remembered as long as its incident may go on: then nothing is learned.
            if !isLeftOut { finding = nil }
            return false
        }
        if reading.score >= settings.threshold, time - first >= settings.learn {
            report(value, reading, time)
            return true
        }
        if finding != nil, value < reading.low || value > reading.high {
            finding!.count += 1
            finding!.lastSeen = max(finding!.lastSeen, time)
            finding!.hasNews = true
        }
        return false
    }

    private mutating func report(_ value: Double, _ reading: SeriesReading, _ time: Timestamp) {
        let count = (finding?.count ?? 0) + 1
        finding = Found(
            value: value, expected: reading.expected, low: reading.low, high: reading.high, score: reading.score,
            deviations: reading.deviations, reason: reading.reason ?? "", since: finding?.since ?? reading.since ?? time,
            lastSeen: max(finding?.lastSeen ?? time, time), count: count)
    }

    /// How long it may be quiet before what was found has ended: three values at their usual distance, and half an hour at least.
    var usualPause: Duration { max(.seconds(1800), (detector.usualGap ?? .zero) * 3) }

    // MARK: What metrics show

    /// The higher the more unusual.
    var rank: Double { (finding == nil ? 0 : 1) + (reading?.score ?? 0) }

    var statistics: [String: Double] {
        guard let reading else { return [:] }
        return [
            "value": value, "expected": reading.expected, "low": reading.low, "high": reading.high, "score": reading.score,
        ]
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        writer.write(labels.count)
        for (name, value) in labels {
            writer.write(name)
            writer.write(value)
        }
        writer.write(first.microseconds)
        writer.write(newest.microseconds)
        detector.encode(to: &writer)
        writer.write(finding != nil)
        finding?.encode(to: &writer)
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        var labels = Labels()
        for _ in 0..<(try reader.count()) {
            let name = try reader.string()
            labels[name] = try reader.string()
        }
        self.labels = labels
        first = Timestamp(microseconds: try reader.int64())
        newest = Timestamp(microseconds: try reader.int64())
        detector = try SeriesDetector(from: &reader)
        if try reader.bool() { finding = try Found(from: &reader) }
    }
}

extension WatchedSeries.Found {
    fileprivate func encode(to writer: inout StateWriter) {
        for number in [value, expected, low, high, score, deviations] { writer.write(number) }
        writer.write(reason)
        writer.write(since.microseconds)
        writer.write(lastSeen.microseconds)
        writer.write(count)
        writer.write(hasNews)
    }

    fileprivate init(from reader: inout StateReader) throws(StateReader.Damaged) {
        (value, expected, low) = (try reader.double(), try reader.double(), try reader.double())
        (high, score, deviations) = (try reader.double(), try reader.double(), try reader.double())
        reason = try reader.string()
        since = Timestamp(microseconds: try reader.int64())
        lastSeen = Timestamp(microseconds: try reader.int64())
        count = try reader.count(upTo: 1 << 40)
        hasNews = try reader.bool()
    }
}

extension StateReader {
    /// A count of things that are not in the state themselves.
    fileprivate mutating func count(upTo most: Int) throws(Damaged) -> Int {
        let count = try int()
        guard (0...most).contains(count) else { throw Damaged() }
        return count
    }
}
