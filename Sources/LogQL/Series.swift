import Columns

/// Numbers by labels at each of the ``Steps``; nil where a series has none.
package typealias SeriesSet = [Labels: [Double?]]

/// What a metric query gives.
package enum MetricValue: Sendable {
    /// One number at each point.
    case scalar([Double])
    case series(SeriesSet)
}

/// How much an answer may be.
package struct LogLimits: Sendable {
    /// Series that a query may make at a time.
    package var series = 5000
    /// Numbers that quantiles may hold.
    package var samples = 2_000_000

    /// The limits of obs.
    package init() {}
}

/// What the lines of a series are at one point in time.
private struct Cell {
    var count = 0.0
    var sum = 0.0
    var least = Double.infinity
    var most = -Double.infinity
    var first = 0.0
    var firstTime = Int64.max
    var last = 0.0
    var lastTime = Int64.min
    /// Welford's mean and sum of squares.
    var mean = 0.0
    var squares = 0.0

    mutating func add(_ value: Double, at time: Int64) {
        count += 1
        sum += value
        least = min(least, value)
        most = max(most, value)
        if time < firstTime { (first, firstTime) = (value, time) }
        if time >= lastTime { (last, lastTime) = (value, time) }
        let distance = value - mean
        mean += distance / count
        squares += distance * (value - mean)
    }
}

/// Makes one number per series and point in time of lines.
struct RangeAccumulator {
    private let aggregation: RangeAggregation
    private let steps: Steps
    private let limits: LogLimits
    private let grouping: Grouping?
    private var indices: [Labels: Int] = [:]
    private var cells: [[Cell]] = []
    /// Of quantiles: the numbers of each cell.
    private var numbers: [[[Double]]] = []
    private var numberCount = 0

    /// - Parameter grouping: the labels that make a series; nil for those of the stream and what was read from the line.
    init(_ aggregation: RangeAggregation, _ grouping: Grouping?, _ steps: Steps, _ limits: LogLimits) {
        self.aggregation = aggregation
        self.grouping = aggregation.grouping ?? grouping
        self.steps = steps
        self.limits = limits
    }

    mutating func add<Record: LogRecord>(_ line: inout QueriedLine<Record>) throws(LogQLError) {
        let time = line.record.time.microseconds
        let touched = steps.indices(of: time, range: aggregation.range, offset: aggregation.offset)
        guard !touched.isEmpty, let value = value(of: &line) else { return }
        let series = try series(key(of: line))
        for step in touched { cells[series][step].add(value, at: time) }
        guard aggregation.function == .quantile else { return }
        numberCount += touched.count
        guard numberCount <= limits.samples else {
            throw .tooMuch(
                "the quantile needs more than \(limits.samples) numbers at once; ask for a shorter time or a longer step")
        }
        for step in touched { numbers[series][step].append(value) }
    }

    private func value<Record: LogRecord>(of line: inout QueriedLine<Record>) -> Double? {
        if let unwrap = aggregation.unwrap {
            guard let text = line.value(of: unwrap.name) else { return nil }
            return switch unwrap.conversion {
            case .number: Quantity.plain(text)
            case .duration, .durationSeconds: Quantity.seconds(text)
            case .bytes: Quantity.bytes(text)
            }
        }
        switch aggregation.function {
        case .bytes, .bytesRate: return Double(line.text.utf8.count)
        default: return 1
        }
    }

    private func key<Record: LogRecord>(of line: QueriedLine<Record>) -> Labels {
        guard let grouping else { return allLabels(line, without: aggregation.unwrap.map { [$0.name] } ?? []) }
        guard !grouping.isWithout else {
            return allLabels(line, without: grouping.names + (aggregation.unwrap.map { [$0.name] } ?? []))
        }
        return Labels(
            grouping.names.compactMap { name in
                line.value(of: name).flatMap { $0.isEmpty ? nil : (name.string, $0) }
            })
    }

    private func allLabels<Record: LogRecord>(_ line: QueriedLine<Record>, without names: [OutsideText]) -> Labels {
        let labels = line.streamLabels, added = line.extracted
        if names.isEmpty, added.isEmpty { return labels }
        let pairs = labels.map { ($0.key, $0.value) } + added.map { ($0.name.string, $0.value) }
        return Labels(pairs.filter { !names.contains(OutsideText($0.0)) && !$0.1.isEmpty })
    }

    private mutating func series(_ key: Labels) throws(LogQLError) -> Int {
        if let known = indices[key] { return known }
        guard cells.count < limits.series else {
            throw .tooMuch("the query makes more than \(limits.series) series; group by fewer labels, or drop those that vary")
        }
        indices[key] = cells.count
        cells.append(Array(repeating: Cell(), count: steps.count))
        if aggregation.function == .quantile { numbers.append(Array(repeating: [], count: steps.count)) }
        return cells.count - 1
    }

    /// The series, when all lines have been added.
    func result() -> SeriesSet {
        if aggregation.function == .absent { return absent() }
        let seconds = Double(aggregation.range) / 1e6
        var result: SeriesSet = [:]
        result.reserveCapacity(cells.count)
        for (key, series) in indices {
            result[key] = cells[series].indices.map { step in
                let cell = cells[series][step]
                guard cell.count > 0 else { return nil }
                switch aggregation.function {
                case .count: return cell.count
                case .rate: return cell.sum / seconds
                case .bytes, .sum: return cell.sum
                case .bytesRate: return cell.sum / seconds
                case .average: return cell.sum / cell.count
                case .minimum: return cell.least
                case .maximum: return cell.most
                case .first: return cell.first
                case .last: return cell.last
                case .variance: return cell.squares / cell.count
                case .deviation: return (cell.squares / cell.count).squareRoot()
                case .quantile: return Self.quantile(aggregation.parameter, numbers[series][step])
                case .absent: return nil
                }
            }
        }
        return result
    }

    /// One where there is no line, with the labels that the selector gives.
    private func absent() -> SeriesSet {
        let points = (0..<steps.count).map { step in cells.contains { $0[step].count > 0 } ? nil : 1.0 }
        guard points.contains(where: { $0 != nil }) else { return [:] }
        let known = aggregation.selector.matchers.filter { $0.operator == .equal && !$0.value.isEmpty }
        return [Labels(known.map { ($0.name, $0.value) }): points]
    }

    /// Between the two numbers that are nearest, as Prometheus has it.
    private static func quantile(_ share: Double, _ numbers: [Double]) -> Double {
        let sorted = numbers.sorted()
        let place = share * Double(sorted.count - 1)
        let low = max(0, Int(place.rounded(.down))), high = min(sorted.count - 1, low + 1)
        let weight = place - place.rounded(.down)
        return sorted[low] * (1 - weight) + sorted[high] * weight
    }
}
