import Columns

/// An expectation at its place in a pipeline: counts what it finds, and does what its action says.
struct RunningExpectation: RunningStage {
    private var check: ExpectationCheck
    private let pipeline: String
    private let metrics: StepMetrics

    init(_ check: ExpectationCheck, pipeline: String, metrics: StepMetrics) {
        self.check = check
        self.pipeline = pipeline
        self.metrics = metrics
        // Known to Prometheus before the first row.
        metrics.record(check.expectation.name, succeeded: 0, failed: 0)
    }

    var stateRows: Int { check.stateRows }

    var expectsOfEpochs: Bool {
        if case .rowCount = check.expectation.check { true } else { false }
    }

    mutating func run(_ flows: [Flow], in round: inout StageRound) throws -> [Flow] {
        var passed: [Flow] = []
        for flow in flows { passed.append(try examine(flow, in: &round)) }
        check.forget(upTo: round.watermark)
        return passed
    }

    private mutating func examine(_ flow: Flow, in round: inout StageRound) throws(ExpectationFailure) -> Flow {
        let times = flow.origins.flatMap { origins in
            round.arrivals.map { arrivals in origins.map { arrivals.integer(at: Int($0)) ?? 0 } }
        }
        let failing = check.failing(flow.batch, arrivals: times)
        let count = failing.count { $0 }
        if case .rowCount = check.expectation.check { return flow }
        metrics.record(check.expectation.name, succeeded: failing.count - count, failed: count)
        guard count > 0 else { return flow }
        switch check.expectation.action {
        case .warn: return flow
        case .fail:
            let row = failing.firstIndex(of: true)!
            throw ExpectationFailure(
                pipeline: pipeline, expectation: check.expectation.name,
                detail: "\(count) of \(failing.count) rows, the first is \(Self.json(flow.batch, row))")
        case .drop:
            for row in failing.indices where failing[row] {
                if let origins = flow.origins {
                    round.notes.dropped.append((origins[row], check.expectation.name))
                } else {
                    round.notes.droppedJoined.append((round.name, Self.json(flow.batch, row), check.expectation.name))
                }
            }
            return flow.filter(failing.map { !$0 })
        }
    }

    private static func json(_ batch: Batch, _ row: Int) -> String {
        let members = zip(batch.schema.fields, batch.row(row)).filter { $1 != .null }.map {
            "\(JSONText.quote($0.name)):\(JSONText.render($1))"
        }
        return "{\(members.joined(separator: ","))}"
    }

    mutating func endEpoch() throws {
        guard let (holds, rows) = check.endEpoch() else { return }
        metrics.record(check.expectation.name, succeeded: holds ? 1 : 0, failed: holds ? 0 : 1)
        guard !holds, check.expectation.action == .fail else { return }
        throw ExpectationFailure(
            pipeline: pipeline, expectation: check.expectation.name, detail: "the epoch has \(rows) rows")
    }

    func encode(to writer: inout StateWriter) { check.encode(to: &writer) }

    mutating func decode(from reader: inout StateReader) throws { try check.decode(from: &reader) }
}

/// An expectation with the action `fail` did not hold: the epoch is not committed.
struct ExpectationFailure: Error, CustomStringConvertible {
    let pipeline: String
    let expectation: String
    let detail: String

    var description: String {
        "pipeline '\(pipeline)': the expectation '\(expectation)' does not hold: \(detail); nothing of this epoch is "
            + "committed; correct the data or the expectation, or set its action to drop"
    }
}
