import Columns
import Lake
import Parsing
import Telemetry

extension PipelineTables {
    /// The numbers of rows that ``write(_:of:lines:input:)`` wrote beside silver.
    struct Written {
        var quarantined = 0
        var late = 0
    }

    /// Writes the silver, quarantine and late rows of a round. Gold is written separately, because observers see it in order.
    ///
    /// - Parameter parsed: the events of `lines` that the round began with.
    func write(_ output: PipelineGraph.Output, of parsed: ParsedBatch, lines: Batch, input: InputDefinition) throws -> Written {
        if let silver = output.silver { try append(silver.batch, to: names.silver(input)) }
        return Written(
            quarantined: try quarantine(parsed, lines, output.notes),
            late: try keepLate(output.notes.late, of: parsed.events, input))
    }

    private func quarantine(_ parsed: ParsedBatch, _ lines: Batch, _ notes: RoundNotes) throws -> Int {
        guard !parsed.rejected.isEmpty || !notes.dropped.isEmpty || !notes.droppedJoined.isEmpty else { return 0 }
        var reasons = DictionaryBuilder(), details = DictionaryBuilder()
        for line in parsed.rejected {
            reasons.append(utf8: line.reason.rawValue)
            details.appendNull()
        }
        for row in notes.dropped {
            reasons.append(utf8: RejectionReason.expectation.rawValue)
            details.append(utf8: row.expectation)
        }
        var rows = lines.gather(parsed.rejected.map(\.row) + notes.dropped.map { Int(parsed.lineRows[Int($0.row)]) })
        if !notes.droppedJoined.isEmpty {
            var built = RawLinesBuilder()
            for row in notes.droppedJoined {
                built.append(
                    Array(row.json.utf8).span, offset: 0, source: row.stream, file: "",
                    arrival: Timestamp(microseconds: lines["arrival_time"]?.integer(at: 0) ?? 0))
                reasons.append(utf8: RejectionReason.expectation.rawValue)
                details.append(utf8: row.expectation)
            }
            rows = Batch.concatenating([rows, built.finish()], schema: RawLines.schema)
        }
        let batch = Batch(schema: Self.quarantineSchema, columns: rows.columns + [reasons.finish(), details.finish()])
        try append(batch, to: names.quarantine(definition))
        return batch.count
    }

    /// Writes events whose time is further ahead of their arrival than the allowed skew beside silver, where they are too.
    func keepAhead(_ rows: [Int], of events: Batch, arrivals: Column, _ input: InputDefinition) throws {
        try append(
            Batch(
                schema: Self.aheadSchema(events.schema), columns: events.gather(rows).columns + [arrivals.gather(rows)]),
            to: names.ahead(input))
    }

    private func keepLate(_ late: [Int32: [String]], of events: Batch, _ input: InputDefinition) throws -> Int {
        guard !late.isEmpty else { return 0 }
        let rows = late.keys.sorted()
        var missed = DictionaryBuilder()
        for row in rows { missed.append(utf8: late[row]!.joined(separator: ",")) }
        let batch = events.gather(rows.map(Int.init))
        try append(
            Batch(schema: Self.lateSchema(events.schema), columns: batch.columns + [missed.finish()]), to: names.late(input))
        return rows.count
    }
}
