import Columns

/// What Promtail, Alloy, Vector and Fluent Bit send to Loki: streams of lines, each stream with labels.
///
/// Source: Loki, "HTTP API", ingest logs; pkg/push/push.proto.
enum LokiPush {
    /// Takes the streams of a body.
    ///
    /// - Throws: ``PushError/damaged(_:)``.
    static func read(_ body: [UInt8], isJSON: Bool, into lines: inout PushedLines) throws(PushError) {
        if isJSON {
            do { try readJSON(body, &lines) } catch { throw .damaged("the body is not a Loki push in JSON: \(error)") }
        } else {
            do { try readProtobuf(body, &lines) } catch { throw .damaged("the body is not a Loki push in Protocol Buffers") }
        }
    }

    /// A stream: its labels, and what they say of its lines.
    private struct Stream {
        let labels: Labels
        let target: Int?
        let origin: PushedOrigin
        /// `,"labels":{…}}`, the end of a line that is JSON.
        let end: [UInt8]

        init(_ labels: Labels, _ lines: PushedLines) {
            self.labels = labels
            target = lines.target(for: labels)
            origin = PushedOrigin { labels[$0] }
            end = Array(",\"labels\":".utf8) + Self.json(labels) + [UInt8(ascii: "}")]
        }

        static func json(_ labels: Labels) -> [UInt8] {
            JSON.object(labels.map { JSON.Member($0.key, .text(OutsideText($0.value))) }).bytes()
        }

        /// Adds a line with what came beside it alone.
        func add(_ line: ArraySlice<UInt8>, nanoseconds: Int64, _ metadata: Labels, to lines: inout PushedLines) {
            guard let target else { return lines.refuse(1, labels: labels) }
            let time = Timestamp(nanoseconds: nanoseconds)
            guard lines.takesJSON(target) else {
                var own = metadata.isEmpty ? origin : PushedOrigin { metadata[$0] }
                if !metadata.isEmpty { own.fill { labels[$0] } }
                return lines.add(to: target) { own.append(line.span, time: time, to: &$0) }
            }
            lines.add(to: target) { text in
                if line.first == UInt8(ascii: "{"), line.last == UInt8(ascii: "}"), line.count > 2, !line.contains(10) {
                    // An object of the sender's own keeps its fields, so that the columns of a pipeline find them.
                    text += line.dropLast()
                } else {
                    text += "{\"time\":\"\((time ?? .now).description)\",\"line\":".utf8
                    JSONText.append(quoted: String(decoding: line, as: UTF8.self), to: &text)
                }
                if !metadata.isEmpty {
                    text += ",\"metadata\":".utf8
                    text += Self.json(metadata)
                }
                text += end
            }
        }
    }

    // MARK: JSON

    private static func readJSON(_ body: [UInt8], _ lines: inout PushedLines) throws {
        var reader = JSONReader(body)
        try reader.object { reader, name in
            guard name == "streams" else { return try reader.skip() }
            try reader.array { reader, _ in try readStream(&reader, body, &lines) }
        }
        try reader.end()
    }

    private static func readStream(_ reader: inout JSONReader, _ body: [UInt8], _ lines: inout PushedLines) throws {
        var labels = Labels(), stream: Stream?, values: JSONReader?
        try reader.object { reader, name in
            switch name {
            case "stream":
                labels = try readLabels(&reader)
                stream = Stream(labels, lines)
            case "values":
                guard let stream else {
                    // The labels come behind the lines, which are read later because the labels choose their source.
                    values = reader
                    return try reader.skip()
                }
                try readValues(&reader, stream, &lines)
            default: try reader.skip()
            }
        }
        if var values { try readValues(&values, Stream(labels, lines), &lines) }
    }

    private static func readLabels(_ reader: inout JSONReader) throws -> Labels {
        var labels = Labels()
        try reader.object { reader, name in
            guard try reader.kind() == .text else { return try reader.skip() }
            labels[name ?? "\u{FFFD}"] = try reader.text() ?? "\u{FFFD}"
        }
        return labels
    }

    private static func readValues(_ reader: inout JSONReader, _ stream: Stream, _ lines: inout PushedLines) throws {
        try reader.array { reader, _ in
            var nanoseconds: Int64 = 0, line = "", metadata = Labels()
            try reader.array { reader, index in
                switch index {
                case 0: nanoseconds = Int64(try reader.kind() == .number ? try reader.number() : try reader.text() ?? "") ?? 0
                case 1: line = try reader.text() ?? "\u{FFFD}"
                case 2: metadata = try readLabels(&reader)
                default: try reader.skip()
                }
            }
            stream.add(Array(line.utf8)[...], nanoseconds: nanoseconds, metadata, to: &lines)
        }
    }

    // MARK: Protocol Buffers

    private static func readProtobuf(_ body: [UInt8], _ lines: inout PushedLines) throws {
        var request = ProtobufFields(body, 0..<body.count)
        while let field = try request.next() {
            guard field.number == 1, case .bytes(let range) = field.value else { continue }
            var labels = Labels(), entries: [Range<Int>] = []
            var fields = ProtobufFields(body, range)
            while let field = try fields.next() {
                guard case .bytes(let range) = field.value else { continue }
                if field.number == 1 { labels = try parse(String(decoding: body[range], as: UTF8.self)) }
                if field.number == 2 { entries.append(range) }
            }
            let stream = Stream(labels, lines)
            for entry in entries { try readEntry(body, entry, stream, &lines) }
        }
    }

    private static func readEntry(
        _ body: [UInt8], _ range: Range<Int>, _ stream: Stream, _ lines: inout PushedLines
    ) throws {
        var fields = ProtobufFields(body, range), nanoseconds: Int64 = 0, line = 0..<0, metadata = Labels()
        while let field = try fields.next() {
            guard case .bytes(let range) = field.value else { continue }
            switch field.number {
            case 1: nanoseconds = try readTime(body, range)
            case 2: line = range
            case 3:
                var pair = ProtobufFields(body, range), texts = ["", ""]
                while let field = try pair.next() {
                    guard case .bytes(let range) = field.value, (1...2).contains(field.number) else { continue }
                    texts[field.number - 1] = String(decoding: body[range], as: UTF8.self)
                }
                metadata[texts[0]] = texts[1]
            default: break
            }
        }
        stream.add(body[line], nanoseconds: nanoseconds, metadata, to: &lines)
    }

    private static func readTime(_ body: [UInt8], _ range: Range<Int>) throws -> Int64 {
        var fields = ProtobufFields(body, range), seconds: Int64 = 0, nanoseconds: Int64 = 0
        while let field = try fields.next() {
            guard case .number(let number) = field.value else { continue }
            if field.number == 1 { seconds = Int64(truncatingIfNeeded: number) }
            if field.number == 2 { nanoseconds = Int64(truncatingIfNeeded: number) }
        }
        let (product, isTooMuch) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isTooMuch ? 0 : product &+ nanoseconds
    }

    /// The labels of `{job="auth", host="gate"}`, which are written as matchers are.
    private static func parse(_ text: String) throws -> Labels {
        Labels(try [Matcher](parsing: text).filter { $0.operator == .equal }.map { ($0.name, $0.value) })
    }
}
