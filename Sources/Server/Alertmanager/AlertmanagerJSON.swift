import Alerting
import Incidents
import Columns

/// Alerts, groups and silences as Alertmanager's API v2 writes them, in its order of keys.
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
        // Neighbouring alerts mostly have the same receivers.
        var (receivers, receiversText): ([String], [UInt8]) = ([], [])
        // By index: copying each alert would count its references up and down.
        for index in alerts.indices {
            text += index == 0 ? "{\"annotations\":" : ",{\"annotations\":"
            text += alerts[index].annotationsJSON
            text += ",\"endsAt\":\""
            append(alerts[index].endsAt, to: &text)
            text += "\",\"fingerprint\":\""
            append(hexadecimal: alerts[index].fingerprint, to: &text)
            text += "\",\"receivers\":["
            if alerts[index].receivers != receivers {
                receivers = alerts[index].receivers
                receiversText = Array(receivers.map { "{\"name\":\(JSONText.quote($0))}" }.joined(separator: ",").utf8)
            }
            text += receiversText
            text += "],\"startsAt\":\""
            append(alerts[index].startsAt, to: &text)
            text += "\",\"status\":{\"inhibitedBy\":["
            append(alerts[index].inhibitedBy, to: &text)
            text += "],\"silencedBy\":["
            append(alerts[index].silencedBy, to: &text)
            text +=
                alerts[index].isSuppressed
                ? "],\"state\":\"suppressed\"},\"updatedAt\":\"" : "],\"state\":\"active\"},\"updatedAt\":\""
            append(alerts[index].updatedAt, to: &text)
            text += "\""
            if !alerts[index].generatorURL.isEmpty {
                text += ",\"generatorURL\":"
                JSONText.append(quoted: alerts[index].generatorURL, to: &text)
            }
            text += ",\"labels\":"
            text += alerts[index].labelsJSON
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

    /// With exactly three decimals of a second, as in Alertmanager's API.
    private static func append(_ time: Timestamp, to text: inout [UInt8]) {
        let part = time.components
        func append(_ number: Int, _ end: Unicode.Scalar) {
            text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number / 10 % 10))
            text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number % 10))
            text.append(UInt8(ascii: end))
        }
        let (year, millisecond) = (max(0, part.year), part.microsecond / 1000)
        text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: year / 1000 % 10))
        text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: year / 100 % 10))
        append(year, "-")
        append(part.month, "-")
        append(part.day, "T")
        append(part.hour, ":")
        append(part.minute, ":")
        append(part.second, ".")
        text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: millisecond / 100))
        append(millisecond, "Z")
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
            return """
                {"isEqual":\(isEqual),"isRegex":\(isRegex),\
                "name":\(JSONText.quote(matcher.name)),"value":\(JSONText.quote(matcher.value))}
                """
        }
        return """
            {"id":\(JSONText.quote(silence.id)),"status":{"state":"\(silence.state(at: now).rawValue)"},\
            "updatedAt":"\(time(silence.updatedAt))","comment":\(JSONText.quote(silence.comment)),\
            "createdBy":\(JSONText.quote(silence.createdBy)),"endsAt":"\(time(silence.endsAt))",\
            "matchers":[\(matchers.joined(separator: ","))],"startsAt":"\(time(silence.startsAt))"}
            """
    }
}

extension [UInt8] {
    fileprivate static func += (bytes: inout [UInt8], text: String) { bytes.append(contentsOf: text.utf8) }
}
