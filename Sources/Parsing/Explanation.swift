import Columns

/// How lines are understood, as JSON Lines: for people who ask why (`obs parse`).
public struct FormatExplainer: Sendable {
    private var format: any LogFormat

    /// Explains lines as `format` reads them.
    public init(_ format: any LogFormat) {
        self.format = format
    }

    /// One JSON object an event: `time` and the columns that have a value (`count` when it is not 1), without `file` and
    /// `offset`. For a line that is not understood `error` with the reason and `line`. Events of several lines come once they
    /// have ended.
    public mutating func explain(_ lines: [[UInt8]], arrival now: Timestamp, from offset: Int64 = 0) -> [String] {
        var builder = RawLinesBuilder()
        var offset = offset
        for line in lines {
            let text = line.last == UInt8(ascii: "\r") ? Array(line.dropLast()) : line
            builder.append(text.span, offset: offset, source: "", file: "", arrival: now)
            offset += Int64(line.count + 1)
        }
        return explain(builder.finish(), arrival: now)
    }

    /// The same of lines as a source gives them.
    ///
    /// - Parameter lines: of the schema `RawLines.schema`; when they arrived is left out.
    public mutating func explain(_ lines: Batch, arrival now: Timestamp) -> [String] {
        let texts = lines["line"]!
        var arrivals = NumberBuilder<Int64>()
        for row in 0..<lines.count {
            arrivals.append((texts.withBytes(at: row) { knowsTime($0) } ? now : Self.none).microseconds)
        }
        let known = Batch(
            schema: lines.schema,
            columns: zip(lines.schema.fields, lines.columns).map { $0.name == "arrival_time" ? arrivals.finish() : $1 })
        let shown = render(RawLines.parse(known, with: &format), of: known)
        return format.due().reduce(into: shown) { $0 += render($1.parsed, of: $1.lines) }
    }

    /// What was kept for lines that could have come.
    public mutating func finish() -> [String] {
        guard let flushed = format.flush() else { return [] }
        return render(flushed.parsed, of: flushed.lines)
    }

    /// A line without a stamp has no time: its arrival is put where no stamp can be, and left out of what is shown.
    private static let none = Timestamp(microseconds: .min)

    /// Lines of sshd and of Java may lack parts of their time that the arrival fills in; where they lack all of it, and for all
    /// other formats, it is not known.
    private func knowsTime(_ line: Span<UInt8>) -> Bool {
        if format is Log4j || format is Layout || format is Auto { return true }
        guard format is SSHD else { return false }
        guard case .success(let header) = SyslogHeader.parse(line) else { return true }
        return header.stamp != .none
    }

    private func render(_ parsed: ParsedBatch, of raw: Batch) -> [String] {
        var objects = [[String]](repeating: [], count: raw.count)
        for rejected in parsed.rejected {
            let line = raw["line"]?.string(at: rejected.row) ?? ""
            objects[rejected.row] = [
                "{\"error\":\(JSONText.quote(rejected.reason.rawValue)),\"line\":\(JSONText.quote(line))}"
            ]
        }
        let shown = zip(parsed.events.schema.fields, parsed.events.columns).filter {
            $0.0.name != "file" && $0.0.name != "offset"
        }
        for (row, line) in parsed.lineRows.enumerated() {
            var members: [String] = []
            for (field, column) in shown {
                let value = column.value(at: row, as: field.type)
                if value == .null || value == .timestamp(Self.none) || field.name == "count" && value == .int(1) { continue }
                members.append("\(JSONText.quote(field.name == "event_time" ? "time" : field.name)):\(JSONText.render(value))")
            }
            objects[Int(line)].append("{\(members.joined(separator: ","))}")
        }
        return objects.flatMap { $0 }
    }
}
