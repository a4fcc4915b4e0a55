import Columns
import Detection
import Query

/// How a version of a model of windows does on windows, some of which are judged.
struct WindowQuality: Equatable {
    /// How many windows were scored.
    var windows = 0
    /// How many of them it finds.
    var found = 0
    /// Windows in which something is known to have happened, and how many of these it finds.
    var real = 0
    var realFound = 0
    /// Windows that somebody has called false alarms of the model, and how many of these it finds.
    var falseAlarms = 0
    var falseAlarmsFound = 0
    /// The days from the first window to the last, at least one.
    var days = 1.0

    /// Windows that it finds and of which nothing is known.
    var unknownFound: Int { found - realFound - falseAlarmsFound }

    /// Whether it may take the place of `champion`: it misses nothing that the champion finds of what is known, repeats no more
    /// false alarms, and finds hardly more of what nothing is known of.
    ///
    /// - Returns: why not, in a sentence; nil when it may.
    func reasonAgainst(_ champion: WindowQuality) -> String? {
        if windows < 30 { return "there are only \(windows) windows to compare on" }
        if realFound < champion.realFound {
            return "it finds \(realFound) of \(real) windows in which something happened, the champion \(champion.realFound)"
        }
        if falseAlarmsFound > champion.falseAlarmsFound {
            return "it repeats \(falseAlarmsFound) false alarms, the champion \(champion.falseAlarmsFound)"
        }
        let more = Double(unknownFound - champion.unknownFound)
        if more > max(0.1 * Double(champion.unknownFound), 0.5 * days) {
            return "it finds \(unknownFound) other windows, the champion \(champion.unknownFound)"
        }
        return nil
    }
}

/// Compares versions of a model of windows on the same windows.
struct ModelComparison {
    let windows: ModelWindows

    /// One quality per model, in their order.
    func qualities(of models: [WindowModel], on range: ClosedRange<Timestamp>) throws -> [WindowQuality] {
        let known = try KnownIncidents(windows.workspace.store, windows.settings, range)
        var qualities = models.map { _ in WindowQuality() }
        var first = Int64.max, last = Int64.min
        try windows.scan(range) { batch in
            let judgements = (0..<batch.count).map { known.judgement(of: batch, row: $0) }
            for row in 0..<batch.count {
                guard let start = batch["window_start"]?.integer(at: row) else { continue }
                (first, last) = (min(first, start), max(last, start))
            }
            for index in models.indices {
                qualities[index].add(try models[index].scores(of: batch), from: models[index].threshold, judgements)
            }
        }
        let days = first < last ? max(1, Double(last - first) / 86_400e6) : 1
        for index in qualities.indices { qualities[index].days = days }
        return qualities
    }
}

extension WindowQuality {
    fileprivate mutating func add(_ scores: [Double], from threshold: Double, _ judgements: [KnownIncidents.Judgement?]) {
        windows += scores.count
        for (score, judgement) in zip(scores, judgements) {
            let isFound = score >= threshold ? 1 : 0
            found += isFound
            switch judgement {
            case .real: (real, realFound) = (real + 1, realFound + isFound)
            case .falseAlarm: (falseAlarms, falseAlarmsFound) = (falseAlarms + 1, falseAlarmsFound + isFound)
            case nil: break
            }
        }
    }

    /// The columns of ``row``.
    static let columns: [(String, ColumnType)] = [
        ("windows", .int64), ("found", .int64), ("found_per_day", .double), ("real", .int64), ("real_found", .int64),
        ("false_alarms", .int64), ("false_alarms_found", .int64),
    ]

    var row: [Value] {
        [
            .int(Int64(windows)), .int(Int64(found)), .double((Double(found) / days * 100).rounded() / 100), .int(Int64(real)),
            .int(Int64(realFound)), .int(Int64(falseAlarms)), .int(Int64(falseAlarmsFound)),
        ]
    }
}
