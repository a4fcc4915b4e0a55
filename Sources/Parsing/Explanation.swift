import Columns

extension SSHD {
    /// How each line is understood, as one JSON object: `time`, `host`, `process`, `pid`, `event`, `user`, `source`, `port`, `method`, absent where not
    /// known, `count` when it is not 1; for a line that is not understood `error` with the reason and `line`.
    public mutating func explain(_ lines: [[UInt8]], arrival now: Timestamp) -> [String] {
        var builder = RawLinesBuilder()
        // A line without a stamp has no time: its arrival is put where no stamp can be, and left out below.
        let none = Timestamp(microseconds: .min)
        for line in lines {
            let text = line.last == UInt8(ascii: "\r") ? Array(line.dropLast()) : line
            builder.append(text.span, offset: 0, source: "", file: "", arrival: Self.hasStamp(text) ? now : none)
        }
        let raw = builder.finish()
        let parsed = parse(raw)
        var objects = [String](repeating: "", count: lines.count)
        for rejected in parsed.rejected {
            objects[rejected.row] =
                "{\"error\":\(JSONText.quote(rejected.reason.rawValue)),\"line\":\(JSONText.quote(raw["line"]?.string(at: rejected.row) ?? ""))}"
        }
        let names = ["event_time", "host", "process", "pid", "event", "user", "source", "port", "method", "count"]
        for (row, line) in parsed.lineRows.enumerated() {
            var members: [String] = []
            for (name, field) in zip(names, Self.schema.fields) {
                let value = parsed.events[name]!.value(at: row, as: field.type)
                if value == .null || value == .timestamp(none) || name == "count" && value == .int(1) { continue }
                members.append("\"\(name == "event_time" ? "time" : name)\":\(JSONText.render(value))")
            }
            objects[Int(line)] = "{\(members.joined(separator: ","))}"
        }
        return objects
    }

    private static func hasStamp(_ line: [UInt8]) -> Bool {
        guard case .success(let header) = SyslogHeader.parse(line.span) else { return true }
        return header.stamp != .none
    }
}
