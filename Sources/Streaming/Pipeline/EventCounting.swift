import Columns
import Parsing
import Telemetry

/// Counts the events of an input as its format says (``EventCounter``).
struct EventCounting: Sendable {
    private let counter: EventCounter
    private let family: CounterFamily

    init(_ counter: EventCounter, _ registry: MetricsRegistry) {
        self.counter = counter
        family = registry.counter(counter.name, help: counter.help, labels: counter.labels.map(\.column))
        for values in counter.initial { _ = family[values] }
    }

    /// Counts the events of a batch. Texts are looked at once per combination of values, not once per row.
    func count(_ events: Batch) {
        let columns = counter.labels.compactMap { events[$0.column] }
        var counts: [UInt64: (row: Int, count: Int)] = [:]
        for row in 0..<events.count {
            var key: UInt64 = 0
            for column in columns { key = key << 32 | UInt64(column.code(at: row)) }
            counts[key, default: (row, 0)].count += 1
        }
        for entry in counts.values {
            let values = zip(columns, counter.labels).map { column, label in
                guard let value = column.string(at: entry.row) else { return "none" }
                return label.known.isEmpty || label.known.contains(value) ? value : "other"
            }
            family[values].increment(by: entry.count)
        }
    }
}

extension Column {
    /// The code of the text at `row`; `UInt32.max` for a null.
    fileprivate func code(at row: Int) -> UInt32 {
        guard case .dictionary(let values) = values, !isNull(at: row) else { return .max }
        return values.codes[range.lowerBound + row]
    }
}
