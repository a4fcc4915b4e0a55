import Foundation
import Telemetry

/// What a learned expectation shows: of each measure the newest value, what was expected of it, and whether it is unusual.
struct UsualGauges: Sendable {
    private let unusual: GaugeFamily
    private let values: GaugeFamily
    private let labels: [String]

    init(_ metrics: StepMetrics, stream: String, expectation: String) {
        (unusual, values) = (metrics.unusual, metrics.usualValues)
        labels = [metrics.pipeline, stream, expectation]
    }

    func show(_ measure: LearnedMeasure) {
        let labels = labels + [measure.measure.rawValue, measure.column]
        // Known to Prometheus before anything is unusual.
        unusual[labels].set(measure.since == nil ? 0 : 1)
        guard let shown = measure.shown else { return }
        for (statistic, value) in [
            ("value", shown.value), ("expected", shown.expected), ("low", shown.low), ("high", shown.high),
        ] {
            values[labels + [statistic]].set(value)
        }
    }
}

extension PipelineDefinition {
    /// What is unlike usual in the rows of the pipeline now, as its learned expectations (`expect: usual`) show it in metrics.
    ///
    /// - Returns: by input or stream and expectation, a sentence without an end for each measure; nothing of what is as usual.
    public func unusualRows(in registry: MetricsRegistry) -> [(stream: String, expectation: String, sentences: [String])] {
        let metrics = StepMetrics(registry, self)
        let values = Dictionary(metrics.usualValues.all.map { ($0.values, $0.instrument.value) }) { first, _ in first }
        let unusual = metrics.unusual.all.filter { $0.values[0] == name && $0.instrument.value > 0 }.map(\.values)
        return usualExpectations.compactMap { stream, expectation in
            let sentences = unusual.filter { $0[1] == stream && $0[2] == expectation }.compactMap { labels in
                UsualExpectation.Measure(rawValue: labels[3])?.sentence(
                    LearnedMeasure.Shown { values[labels + [$0]] ?? 0 }, column: labels[4])
            }
            return sentences.isEmpty ? nil : (stream, expectation, sentences.sorted())
        }
    }

    private var usualExpectations: [(stream: String, expectation: String)] {
        (inputs.map { ($0.name, $0.steps) } + streams.map { ($0.name, $0.steps) }).flatMap { name, steps in
            steps.compactMap { step in
                guard let expectation = step.stage as? Expectation, case .usual = expectation.check else { return nil }
                return (name, expectation.name)
            }
        }
    }
}

extension LearnedMeasure.Shown {
    /// By the name of each statistic.
    fileprivate init(_ statistic: (String) -> Double) {
        self.init(
            value: statistic("value"), expected: statistic("expected"), low: statistic("low"), high: statistic("high"))
    }
}

extension UsualExpectation.Measure {
    /// A value and what is usual, in a sentence without an end: "412 rows, where 900 to 1100 are usual (1000 expected)".
    func sentence(_ shown: LearnedMeasure.Shown, column: String) -> String {
        let range = "where \(text(shown.low)) to \(text(shown.high)) are usual (\(text(shown.expected)) expected)"
        return switch self {
        case .volume: "\(text(shown.value)) rows, \(range)"
        case .freshness: "the newest row is \(text(shown.value)) old, \(range)"
        case .nulls: "\(text(shown.value)) of '\(column)' are null, \(range)"
        case .distinct: "\(text(shown.value)) different values of '\(column)', \(range)"
        }
    }

    private func text(_ value: Double) -> String {
        switch self {
        case .volume, .distinct: String(format: "%.0f", value)
        case .freshness: value < 600 ? String(format: "%.0f s", value) : String(format: "%.0f min", value / 60)
        case .nulls: String(format: "%.1f %%", value * 100)
        }
    }
}
