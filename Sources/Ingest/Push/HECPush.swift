import Columns

/// What Splunk's HTTP Event Collector (HEC) takes: events as JSON objects one behind another, or lines as they are.
///
/// Source: Splunk Enterprise 9, "Format events for HTTP Event Collector".
enum HECPush {
    /// What an event, or the address, says of where it comes from.
    private static let origins = ["host", "source", "sourcetype", "index"]

    /// Takes the events of a body.
    ///
    /// - Parameter given: what the address says of all of them; what an event says itself goes first.
    /// - Throws: ``PushError/damaged(_:)`` at the first that is not an event: none of the body is taken, so that all can be sent
    ///   again.
    static func read(_ body: [UInt8], given: Labels, into lines: inout PushedLines) throws(PushError) {
        var reader = JSONReader(body), number = 1
        while !reader.isAtEnd {
            let envelope: JSON
            do { envelope = try JSON(&reader) } catch { throw .damaged("event \(number) of the body is not JSON: \(error)") }
            guard let event = Event(envelope, given) else {
                throw .damaged("event \(number) of the body is not an object with an 'event' such as {\"event\":\"text\"}")
            }
            event.add(to: &lines)
            number += 1
        }
    }

    /// Takes each line of a body as it is.
    static func readRaw(_ body: [UInt8], given: Labels, into lines: inout PushedLines) {
        let origin = PushedOrigin { given[$0] }, target = lines.target(for: given)
        for line in body.split(separator: 10) {
            let line = line.last == 13 ? line.dropLast() : line
            guard let target else { lines.refuse(1, labels: given); continue }
            guard !line.isEmpty else { continue }
            let isKept = lines.takesJSON(target)
            lines.add(to: target) { isKept ? $0 += line : origin.append(line.span, time: nil, to: &$0) }
        }
    }

    private struct Event {
        let time: Timestamp?
        let event: JSON
        let fields: JSON?
        /// Of host, source, sourcetype and index, those that are known.
        let origin: [(name: String, value: String)]
        let labels: Labels

        /// Nil where it is not an event.
        init?(_ envelope: JSON, _ given: Labels) {
            guard case .object = envelope, let event = envelope["event"], event != .null else { return nil }
            self.event = event
            fields = envelope["fields"]
            time = Timestamp(seconds: envelope["time"])
            origin = HECPush.origins.compactMap { name in (envelope.word(name) ?? given[name]).map { (name, $0) } }
            var labels = Labels(origin.map { ($0.name, $0.value) })
            if case .object(let members)? = fields {
                for member in members {
                    let name = member.name.string
                    if labels[name] == nil, let word = member.value.text ?? member.value.integer.map({ String($0) }) {
                        labels[name] = word
                    }
                }
            }
            self.labels = labels
        }

        func add(to lines: inout PushedLines) {
            guard let target = lines.target(for: labels) else { return lines.refuse(1, labels: labels) }
            guard !lines.takesJSON(target) else {
                let bytes = json.bytes()
                return lines.add(to: target) { $0 += bytes }
            }
            var program = PushedOrigin { event.word($0) }
            program.fill { fields?.word($0) }
            program.fill { labels[$0] }
            let message = (event.text ?? event.messageOfRecord).map { Array($0.utf8) } ?? event.bytes()
            lines.add(to: target) { program.append(message.span, time: time, to: &$0) }
        }

        /// The event's own fields, then what its envelope says beside them.
        private var json: JSON {
            var members: [JSON.Member] = [], isObject = false
            if case .object(let own) = event { (members, isObject) = (own, true) }
            func add(_ name: String, _ value: @autoclosure () -> JSON) {
                if !members.contains(where: { $0.name == OutsideText(name) }) { members.append(.init(name, value())) }
            }
            if event.timeOfRecord == nil { add("time", .text(OutsideText((time ?? .now).description))) }
            if !isObject { add("event", event) }
            for (name, value) in origin { add(name, .text(OutsideText(value))) }
            if let fields { add("fields", fields) }
            return .object(members)
        }
    }
}

extension Timestamp {
    /// Seconds with decimals since 1970, as a number or a text; nil for anything else and for what is before 1970.
    fileprivate init?(seconds: JSON?) {
        let number: Double? =
            switch seconds {
            case .number(let number): number
            case .integer(let number): Double(number)
            case .text(let text): Double(text.string)
            default: nil
            }
        guard let number, number > 0, number < 253_402_300_800 else { return nil }
        self.init(microseconds: Int64((number * 1_000_000).rounded()))
    }
}
