import Alerting
import Columns

/// Alerts, groups and silences as Alertmanager's API v2 shows them, key by key.
///
/// Source: Alertmanager, api/v2/openapi.yaml.
enum AlertmanagerJSON {
    static func alerts(_ alerts: [AlertQuestions.Listed]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(alerts.count * 512 + 16)
        append(alerts, to: &text)
        text.append(UInt8(ascii: "\n"))
        return text
    }

    static func groups(_ groups: [AlertQuestions.Group]) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "[")]
        text.reserveCapacity(groups.reduce(16) { $0 + 128 + $1.alerts.count * 512 })
        for (index, group) in groups.enumerated() {
            text += index == 0 ? "{\"alerts\":" : ",{\"alerts\":"
            append(group.alerts, to: &text)
            text += ",\"labels\":"
            text += group.labelsJSON
            text += ",\"receiver\":{\"name\":"
            JSONText.append(quoted: group.receiver, to: &text)
            text += "}}"
        }
        text += "]\n"
        return text
    }

    private static func append(_ alerts: [AlertQuestions.Listed], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "["))
        // Neighbours have mostly the same receivers.
        var (receivers, receiversText): ([String], [UInt8]) = ([], [])
        for (index, alert) in alerts.enumerated() {
            text += index == 0 ? "{\"annotations\":" : ",{\"annotations\":"
            text += alert.annotationsJSON
            text += ",\"endsAt\":\""
            append(alert.endsAt, to: &text)
            text += "\",\"fingerprint\":\""
            append(hexadecimal: alert.fingerprint, to: &text)
            text += "\",\"receivers\":["
            if alert.receivers != receivers {
                receivers = alert.receivers
                receiversText = Array(receivers.map { "{\"name\":\(JSONText.quote($0))}" }.joined(separator: ",").utf8)
            }
            text += receiversText
            text += "],\"startsAt\":\""
            append(alert.startsAt, to: &text)
            text += "\",\"status\":{\"inhibitedBy\":["
            append(alert.inhibitedBy, to: &text)
            text += "],\"silencedBy\":["
            append(alert.silencedBy, to: &text)
            text +=
                alert.isSuppressed ? "],\"state\":\"suppressed\"},\"updatedAt\":\"" : "],\"state\":\"active\"},\"updatedAt\":\""
            append(alert.updatedAt, to: &text)
            text += "\""
            if !alert.generatorURL.isEmpty {
                text += ",\"generatorURL\":"
                JSONText.append(quoted: alert.generatorURL, to: &text)
            }
            text += ",\"labels\":"
            text += alert.labelsJSON
            text += "}"
        }
        text.append(UInt8(ascii: "]"))
    }

    private static func append(_ texts: [String], to text: inout [UInt8]) {
        for (index, one) in texts.enumerated() {
            if index > 0 { text += "," }
            JSONText.append(quoted: one, to: &text)
        }
    }

    private static func append(hexadecimal number: UInt64, to text: inout [UInt8]) {
        for place in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(number >> UInt64(place) & 15)
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// With exactly three digits of the second, as the API has it.
    private static func append(_ time: Timestamp, to text: inout [UInt8]) {
        let part = time.components
        func append(_ number: Int, _ digits: Int, _ end: Unicode.Scalar) {
            var divisor = 1
            for _ in 1..<digits { divisor *= 10 }
            while divisor > 0 {
                text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
                divisor /= 10
            }
            text.append(UInt8(ascii: end))
        }
        append(max(0, part.year), 4, "-")
        append(part.month, 2, "-")
        append(part.day, 2, "T")
        append(part.hour, 2, ":")
        append(part.minute, 2, ":")
        append(part.second, 2, ".")
        append(part.microsecond / 1000, 3, "Z")
    }

    static func time(_ time: Timestamp) -> String {
        var text: [UInt8] = []
        append(time, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    static func silence(_ silence: Silence, now: Timestamp) -> String {
        let matchers = silence.matchers.map { matcher in
            let isEqual = matcher.operator == .equal || matcher.operator == .matches
            let isRegex = matcher.operator == .matches || matcher.operator == .doesNotMatch
            return
                "{\"isEqual\":\(isEqual),\"isRegex\":\(isRegex),\"name\":\(JSONText.quote(matcher.name)),\"value\":\(JSONText.quote(matcher.value))}"
        }
        return """
            {"id":\(JSONText.quote(silence.id)),"status":{"state":"\(silence.state(at: now).rawValue)"},"updatedAt":"\(time(silence.updatedAt))",\
            "comment":\(JSONText.quote(silence.comment)),"createdBy":\(JSONText.quote(silence.createdBy)),"endsAt":"\(time(silence.endsAt))",\
            "matchers":[\(matchers.joined(separator: ","))],"startsAt":"\(time(silence.startsAt))"}
            """
    }
}

extension [UInt8] {
    fileprivate static func += (bytes: inout [UInt8], text: String) { bytes.append(contentsOf: text.utf8) }
}
