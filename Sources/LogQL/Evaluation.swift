import Columns

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where lines come from.
package protocol LogStore {
    /// A line of it.
    associatedtype Record: LogRecord

    /// Calls `body` with the lines in a range of time whose stream fulfils the matchers, in any order, until it gives false.
    ///
    /// - Parameter selector: lines that its ``LogSelector/directMatchers`` leave out need not come.
    func scan(
        _ selector: LogSelector, in range: ClosedRange<Timestamp>, _ body: (Record) throws -> Bool
    ) throws
}

extension LogStore {
    /// The lines that a selector and its stages keep: the newest `limit` of them, newest first; or with `oldestFirst` the oldest
    /// ones.
    package func lines(
        _ selector: LogSelector, in range: ClosedRange<Timestamp>, limit: Int, oldestFirst: Bool = false
    ) throws -> [QueriedLine<Record>] {
        var kept: [QueriedLine<Record>] = []
        func isBefore(_ left: QueriedLine<Record>, _ right: QueriedLine<Record>) -> Bool {
            oldestFirst ? left.record.time < right.record.time : left.record.time > right.record.time
        }
        // Of more lines than this the worse half is forgotten.
        let room = max(2 * limit, 1000)
        try scan(selector, in: range) { record in
            guard let line = selector.line(of: record) else { return true }
            kept.append(line)
            if kept.count > room {
                kept.sort(by: isBefore)
                kept.removeLast(kept.count - limit)
            }
            return true
        }
        kept.sort(by: isBefore)
        return Array(kept.prefix(limit))
    }

    /// The numbers of a metric query.
    ///
    /// - Throws: ``LogQLError``, and what the store throws.
    package func value(of expression: MetricExpression, at steps: Steps, limits: LogLimits = LogLimits()) throws -> MetricValue {
        switch expression {
        case .number(let number): return .scalar(Array(repeating: number, count: steps.count))
        case .vector(let number): return .series([Labels(): Array(repeating: number, count: steps.count)])
        case .range(let aggregation): return .series(try series(of: aggregation, grouping: nil, steps, limits))
        case .aggregate(let aggregation):
            if case .range(let range) = aggregation.of, range.grouping == nil, aggregation.canGroupLines(of: range.function) {
                // The lines are put into the groups at once: one series each, however many there would be on the way.
                return .series(
                    try series(
                        of: range, grouping: aggregation.grouping ?? Grouping(names: [], isWithout: false), steps, limits))
            }
            guard case .series(let series) = try value(of: aggregation.of, at: steps, limits: limits) else {
                throw LogQLError.malformed("\(aggregation.function.rawValue) takes series, not a number", at: 0)
            }
            return .series(aggregation.groups(of: series, steps.count))
        case .binary(let operation):
            return try operation.apply(
                try value(of: operation.left, at: steps, limits: limits),
                try value(of: operation.right, at: steps, limits: limits),
                steps.count)
        }
    }

    private func series(
        of aggregation: RangeAggregation, grouping: Grouping?, _ steps: Steps, _ limits: LogLimits
    ) throws -> SeriesSet {
        var accumulator = RangeAccumulator(aggregation, grouping, steps, limits)
        let first = steps.time(0) - aggregation.offset - aggregation.range + 1
        let last = steps.time(steps.count - 1) - aggregation.offset
        let range = Timestamp(microseconds: first)...Timestamp(microseconds: max(first, last))
        try scan(aggregation.selector, in: range) { record in
            guard var line = aggregation.selector.line(of: record) else { return true }
            try accumulator.add(&line)
            return true
        }
        return accumulator.result()
    }
}

extension VectorAggregation {
    /// Whether the result is the same when the lines themselves are grouped.
    fileprivate func canGroupLines(of inner: RangeAggregation.Function) -> Bool {
        switch (function, inner) {
        case (.sum, .count), (.sum, .rate), (.sum, .bytes), (.sum, .bytesRate), (.sum, .sum), (.min, .minimum), (.max, .maximum):
            true
        default: false
        }
    }

    /// One series a group.
    func groups(of series: SeriesSet, _ count: Int) -> SeriesSet {
        let members = Dictionary(grouping: series.sorted { $0.key.description.precedesByBytes($1.key.description) }) { entry in
            (grouping ?? Grouping(names: [], isWithout: false)).labels(of: entry.key)
        }
        if function.takesNumber { return extremes(of: Array(members.values), count) }
        return members.mapValues { group in
            (0..<count).map { step in
                let values = group.compactMap { $0.value[step] }
                return values.isEmpty ? nil : summary(of: values)
            }
        }
    }

    private func summary(of values: [Double]) -> Double {
        let sum = values.reduce(0, +), mean = sum / Double(values.count)
        var variance: Double { values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count) }
        switch function {
        case .sum: return sum
        case .average: return mean
        case .min: return values.min() ?? .nan
        case .max: return values.max() ?? .nan
        case .count: return Double(values.count)
        case .stdvar: return variance
        case .stddev: return variance.squareRoot()
        case .topk, .bottomk: return .nan
        }
    }

    /// The largest or smallest series of each group at each point, with their own labels.
    private func extremes(of groups: [[(key: Labels, value: [Double?])]], _ steps: Int) -> SeriesSet {
        var result: SeriesSet = [:]
        for group in groups {
            for step in 0..<steps {
                let present = group.indices.filter { group[$0].value[step] != nil }
                let sorted = present.sorted { left, right in
                    let (a, b) = (group[left].value[step]!, group[right].value[step]!)
                    return function == .topk ? a > b : a < b
                }
                for index in sorted.prefix(self.count) {
                    result[group[index].key, default: Array(repeating: nil, count: steps)][step] = group[index].value[step]
                }
            }
        }
        return result
    }
}

extension Grouping {
    /// The labels that make the group.
    func labels(of labels: Labels) -> Labels {
        labels.filter { label in names.contains(OutsideText(label.key)) != isWithout }
    }
}

extension BinaryOperation {
    func apply(_ left: MetricValue, _ right: MetricValue, _ count: Int) throws(LogQLError) -> MetricValue {
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)):
            guard !`operator`.isOfSets else { throw .malformed("'\(`operator`.rawValue)' takes series on both sides", at: 0) }
            // Between numbers a comparison is always 1 or 0.
            return .scalar(zip(a, b).map { number($0, $1, isBool: true) ?? .nan })
        case (.series(let a), .scalar(let b)):
            guard !`operator`.isOfSets else { throw .malformed("'\(`operator`.rawValue)' takes series on both sides", at: 0) }
            return .series(a.mapValues { zip($0, b).map { x, y in x.flatMap { number($0, y, isBool: isBool) } } }.withoutEmpty)
        case (.scalar(let a), .series(let b)):
            guard !`operator`.isOfSets else { throw .malformed("'\(`operator`.rawValue)' takes series on both sides", at: 0) }
            // A comparison that filters keeps the number of the series.
            return .series(
                b.mapValues { values in
                    zip(a, values).map { x, y in
                        y.flatMap { y in
                            guard let result = number(x, y, isBool: isBool) else { return nil }
                            return `operator`.isComparison && !isBool ? y : result
                        }
                    }
                }.withoutEmpty)
        case (.series(let a), .series(let b)): return .series(try match(a, b, count))
        }
    }

    private func key(_ labels: Labels) -> Labels { matching?.labels(of: labels) ?? labels }

    private func match(_ left: SeriesSet, _ right: SeriesSet, _ count: Int) throws(LogQLError) -> SeriesSet {
        if `operator`.isOfSets { return sets(left, right, count) }
        var partners: [Labels: [Double?]] = [:]
        for (labels, values) in right {
            guard partners.updateValue(values, forKey: key(labels)) == nil else {
                throw .malformed("several series on the right of '\(`operator`.rawValue)' have the same labels", at: 0)
            }
        }
        var result: SeriesSet = [:]
        for (labels, values) in left {
            let own = key(labels)
            guard let partner = partners[own] else { continue }
            let kept = `operator`.isComparison && !isBool ? labels : own
            let combined = zip(values, partner).map { x, y in x.flatMap { x in y.flatMap { number(x, $0, isBool: isBool) } } }
            guard result.updateValue(combined, forKey: kept) == nil else {
                throw .malformed("several series on the left of '\(`operator`.rawValue)' have the same labels", at: 0)
            }
        }
        return result.withoutEmpty
    }

    private func sets(_ left: SeriesSet, _ right: SeriesSet, _ count: Int) -> SeriesSet {
        func presence(_ series: SeriesSet) -> [Labels: [Bool]] {
            var known: [Labels: [Bool]] = [:]
            for (labels, values) in series {
                let before = known[key(labels)] ?? Array(repeating: false, count: count)
                known[key(labels)] = zip(before, values).map { $0 || $1 != nil }
            }
            return known
        }
        func filtered(_ series: SeriesSet, by other: [Labels: [Bool]], wanted: Bool) -> SeriesSet {
            var result: SeriesSet = [:]
            for (labels, values) in series {
                let there = other[key(labels)]
                result[labels] = values.indices.map { (there?[$0] ?? false) == wanted ? values[$0] : nil }
            }
            return result.withoutEmpty
        }
        switch `operator` {
        case .and: return filtered(left, by: presence(right), wanted: true)
        case .unless: return filtered(left, by: presence(right), wanted: false)
        default:
            return left.merging(filtered(right, by: presence(left), wanted: false)) { own, other in
                zip(own, other).map { $0 ?? $1 }
            }
        }
    }

    /// - Returns: nil when a comparison filters the number out.
    private func number(_ left: Double, _ right: Double, isBool: Bool) -> Double? {
        func compared(_ holds: Bool) -> Double? { isBool ? (holds ? 1 : 0) : holds ? left : nil }
        switch `operator` {
        case .plus: return left + right
        case .minus: return left - right
        case .times: return left * right
        case .divided: return left / right
        case .modulo: return left.truncatingRemainder(dividingBy: right)
        case .power: return pow(left, right)
        case .equal: return compared(left == right)
        case .notEqual: return compared(left != right)
        case .greater: return compared(left > right)
        case .greaterOrEqual: return compared(left >= right)
        case .less: return compared(left < right)
        case .lessOrEqual: return compared(left <= right)
        case .or, .and, .unless: return nil
        }
    }
}

extension SeriesSet {
    /// Without series that have no number at all.
    fileprivate var withoutEmpty: SeriesSet { filter { $0.value.contains { $0 != nil } } }
}
