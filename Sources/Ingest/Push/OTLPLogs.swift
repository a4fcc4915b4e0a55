import Columns

/// Logs in the protocol of OpenTelemetry, in Protocol Buffers and JSON: records in scopes of resources, each with attributes.
///
/// Both forms are read into the same values, so that a line does not depend on the form.
///
/// Source: OTLP 1.5, opentelemetry/proto/logs/v1/logs.proto and common/v1/common.proto.
enum OTLPLogs {
    /// How deep values may be nested: they are read recursively, and come from outside.
    private static let maxDepth = 32

    /// Takes the records of a body.
    ///
    /// - Throws: ``PushError/damaged(_:)``.
    static func read(_ body: [UInt8], isJSON: Bool, into lines: inout PushedLines) throws(PushError) {
        do {
            if isJSON {
                try readJSON(JSON(parsing: body), &lines)
            } else {
                try readProtobuf(body, &lines)
            }
        } catch let error as MalformedJSON {
            throw .damaged("the body is not JSON: \(error)")
        } catch {
            throw .damaged("the body is not an ExportLogsServiceRequest of OTLP")
        }
    }

    /// Who sent records: the resource and the scope.
    private struct Sender {
        var resource = JSON.object([])
        var scope: [JSON.Member] = []

        var labels: Labels {
            guard case .object(let members) = resource else { return Labels() }
            return Labels(
                members.compactMap { member in
                    (member.value.text ?? member.value.integer.map { String($0) }).map { (member.name.string, $0) }
                })
        }
    }

    private struct Record {
        var time: Int64 = 0, observed: Int64 = 0
        var severity = "", severityNumber: Int64 = 0
        var body = JSON.null
        var attributes = JSON.object([])
        /// Trace, span and the name of an event, as members.
        var others: [JSON.Member] = []

        func add(of sender: Sender, target: Int, to lines: inout PushedLines) {
            let time = Timestamp(nanoseconds: time) ?? Timestamp(nanoseconds: observed)
            guard !lines.takesJSON(target) else {
                let bytes = json(of: sender, time ?? .now).bytes()
                return lines.add(to: target) { $0 += bytes }
            }
            var origin = PushedOrigin { body.word($0) }
            origin.fill { attributes.word($0) }
            // The receiver of syslog keeps the whole line as the body, and its parts as attributes.
            let isParsed = attributes["appname"]?.text != nil && attributes["message"]?.text != nil
            let message =
                (isParsed ? attributes["message"]?.text : nil) ?? body.text ?? body.messageOfRecord
                ?? String(decoding: body == .null ? attributes.bytes() : body.bytes(), as: UTF8.self)
            origin.fill { sender.resource.word($0) }
            let bytes = Array(message.utf8)
            lines.add(to: target) { origin.append(bytes.span, time: time, to: &$0) }
        }

        private func json(of sender: Sender, _ time: Timestamp) -> JSON {
            var members = [
                JSON.Member("time", .text(OutsideText(time.description))), JSON.Member("body", body),
                JSON.Member("attributes", attributes), JSON.Member("resource", sender.resource),
                JSON.Member("scope", .object(sender.scope)),
            ]
            if !severity.isEmpty { members.append(JSON.Member("severity", .text(OutsideText(severity)))) }
            if severityNumber != 0 { members.append(JSON.Member("severity_number", .integer(severityNumber))) }
            return .object(members + others)
        }
    }

    // MARK: JSON

    private static func readJSON(_ request: JSON, _ lines: inout PushedLines) throws {
        for resourceLogs in list(request, "resourceLogs", "resource_logs") {
            var sender = Sender()
            sender.resource = attributes(resourceLogs["resource"])
            let target = lines.target(for: sender.labels)
            for scopeLogs in list(resourceLogs, "scopeLogs", "scope_logs") {
                sender.scope = []
                if let scope = scopeLogs["scope"] {
                    for name in ["name", "version"] {
                        if let text = scope[name]?.text, !text.isEmpty {
                            sender.scope.append(.init(name, .text(OutsideText(text))))
                        }
                    }
                    let own = attributes(scope)
                    if own != .object([]) { sender.scope.append(.init("attributes", own)) }
                }
                for record in list(scopeLogs, "logRecords", "log_records") {
                    guard let target else {
                        lines.refuse(1, labels: sender.labels)
                        continue
                    }
                    Self.record(record).add(of: sender, target: target, to: &lines)
                }
            }
        }
    }

    private static func list(_ value: JSON, _ names: String...) -> [JSON] {
        names.lazy.compactMap { value[$0]?.list }.first ?? []
    }

    private static func record(_ json: JSON) -> Record {
        func number(_ names: String...) -> Int64 {
            // 64-bit numbers are texts in the JSON of Protocol Buffers, because a double cannot hold them.
            names.lazy.compactMap { json[$0] }.compactMap { $0.integer ?? $0.text.flatMap { Int64($0) } }.first ?? 0
        }
        func text(_ names: String...) -> String { names.lazy.compactMap { json[$0]?.text }.first ?? "" }
        var record = Record()
        record.time = number("timeUnixNano", "time_unix_nano")
        record.observed = number("observedTimeUnixNano", "observed_time_unix_nano")
        record.severity = text("severityText", "severity_text")
        record.severityNumber = number("severityNumber", "severity_number")
        record.body = json["body"].map { value($0, 0) } ?? .null
        record.attributes = attributes(json)
        for (name, value) in [
            ("trace_id", text("traceId", "trace_id")), ("span_id", text("spanId", "span_id")),
            ("event", text("eventName", "event_name")),
        ] where !value.isEmpty { record.others.append(JSON.Member(name, .text(OutsideText(value)))) }
        return record
    }

    private static func attributes(_ holder: JSON?) -> JSON {
        .object((holder?["attributes"]?.list ?? []).map { JSON.Member($0["key"]?.text ?? "", value($0["value"] ?? .null, 0)) })
    }

    /// A value of OTLP, whose kind is the name of its one member.
    private static func value(_ any: JSON, _ depth: Int) -> JSON {
        guard depth < maxDepth, case .object(let members) = any, let member = members.first else { return .null }
        switch member.name.string {
        case "intValue", "int_value":
            return member.value.text.flatMap { Int64($0) }.map { .integer($0) } ?? member.value
        case "arrayValue", "array_value": return .list((member.value["values"]?.list ?? []).map { value($0, depth + 1) })
        case "kvlistValue", "kvlist_value":
            return .object(
                (member.value["values"]?.list ?? []).map {
                    JSON.Member($0["key"]?.text ?? "", value($0["value"] ?? .null, depth + 1))
                })
        default: return member.value
        }
    }

    // MARK: Protocol Buffers

    private static func readProtobuf(_ body: [UInt8], _ lines: inout PushedLines) throws {
        var request = ProtobufFields(body, 0..<body.count)
        while let field = try request.next() {
            guard field.number == 1, case .bytes(let range) = field.value else { continue }
            try readResourceLogs(body, range, &lines)
        }
    }

    private static func readResourceLogs(_ body: [UInt8], _ range: Range<Int>, _ lines: inout PushedLines) throws {
        var sender = Sender(), scopes: [Range<Int>] = []
        var fields = ProtobufFields(body, range)
        while let field = try fields.next() {
            guard case .bytes(let range) = field.value else { continue }
            if field.number == 1 { sender.resource = .object(try members(body, range, field: 1, 0)) }
            if field.number == 2 { scopes.append(range) }
        }
        let labels = sender.labels
        let target = lines.target(for: labels)
        for scope in scopes {
            sender.scope = []
            var records: [Range<Int>] = [], fields = ProtobufFields(body, scope)
            while let field = try fields.next() {
                guard case .bytes(let range) = field.value else { continue }
                if field.number == 1 { sender.scope = try scopeMembers(body, range) }
                if field.number == 2 { records.append(range) }
            }
            guard let target else {
                lines.refuse(records.count, labels: labels)
                continue
            }
            for range in records { try record(body, range).add(of: sender, target: target, to: &lines) }
        }
    }

    private static func scopeMembers(_ body: [UInt8], _ range: Range<Int>) throws -> [JSON.Member] {
        var fields = ProtobufFields(body, range), scope: [JSON.Member] = []
        while let field = try fields.next() {
            guard case .bytes(let range) = field.value, !range.isEmpty else { continue }
            if field.number == 1 { scope.append(.init("name", text(body, range))) }
            if field.number == 2 { scope.append(.init("version", text(body, range))) }
        }
        let own = try members(body, range, field: 3, 0)
        return own.isEmpty ? scope : scope + [.init("attributes", .object(own))]
    }

    private static func record(_ body: [UInt8], _ range: Range<Int>) throws -> Record {
        var record = Record(), fields = ProtobufFields(body, range)
        while let field = try fields.next() {
            switch (field.number, field.value) {
            case (1, .number(let number)): record.time = Int64(clamping: number)
            case (2, .number(let number)): record.severityNumber = Int64(clamping: number)
            case (3, .bytes(let range)): record.severity = String(decoding: body[range], as: UTF8.self)
            case (5, .bytes(let range)): record.body = try value(body, range, 0)
            case (9, .bytes(let range)): record.others += identifier("trace_id", body[range])
            case (10, .bytes(let range)): record.others += identifier("span_id", body[range])
            case (11, .number(let number)): record.observed = Int64(clamping: number)
            case (12, .bytes(let range)) where !range.isEmpty: record.others.append(.init("event", text(body, range)))
            default: break
            }
        }
        record.attributes = .object(try members(body, range, field: 6, 0))
        return record
    }

    private static func identifier(_ name: String, _ bytes: ArraySlice<UInt8>) -> [JSON.Member] {
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return bytes.isEmpty ? [] : [JSON.Member(name, .text(OutsideText(hex)))]
    }

    private static func text(_ body: [UInt8], _ range: Range<Int>) -> JSON {
        .text(OutsideText(String(decoding: body[range], as: UTF8.self)))
    }

    /// The pairs of name and value that a message has in one field.
    private static func members(_ body: [UInt8], _ range: Range<Int>, field number: Int, _ depth: Int) throws -> [JSON.Member] {
        var fields = ProtobufFields(body, range), members: [JSON.Member] = []
        while let field = try fields.next() {
            guard field.number == number, case .bytes(let range) = field.value else { continue }
            var pair = ProtobufFields(body, range), member = JSON.Member("", .null)
            while let field = try pair.next() {
                guard case .bytes(let range) = field.value else { continue }
                if field.number == 1 { member.name = OutsideText(String(decoding: body[range], as: UTF8.self)) }
                if field.number == 2 { member.value = try value(body, range, depth + 1) }
            }
            members.append(member)
        }
        return members
    }

    private static func value(_ body: [UInt8], _ range: Range<Int>, _ depth: Int) throws -> JSON {
        guard depth < maxDepth else { return .null }
        var fields = ProtobufFields(body, range)
        guard let field = try fields.next() else { return .null }
        switch (field.number, field.value) {
        case (1, .bytes(let range)): return text(body, range)
        case (2, .number(let number)): return .bool(number != 0)
        case (3, .number(let number)): return .integer(Int64(bitPattern: number))
        case (4, .number(let number)): return .number(Double(bitPattern: number))
        case (5, .bytes(let range)):
            var list: [JSON] = [], values = ProtobufFields(body, range)
            while let one = try values.next() {
                if one.number == 1, case .bytes(let range) = one.value { list.append(try value(body, range, depth + 1)) }
            }
            return .list(list)
        case (6, .bytes(let range)): return .object(try members(body, range, field: 1, depth))
        case (7, .bytes(let range)): return .text(OutsideText(JSONText.render(.binary(Array(body[range]))).filter { $0 != "\"" }))
        default: return .null
        }
    }
}
