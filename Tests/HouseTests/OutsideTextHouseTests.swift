import Foundation
import Testing

/// Text from outside is bytes or Unicode scalars, never `Character`s (`OutsideText`): an escaper that looks for the `Character` `"` passes by one that a combining mark has joined.
struct `The code that meets text from outside` {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// What works by grapheme clusters and canonical equivalence.
    private let byCharacter = try! Regex(
        [
            #"\.replacing\("#, #"\.replacingOccurrences"#, #"\.components\(separatedBy"#, #"\.trimmingCharacters"#,
            #"\.firstRange\(of"#,
            #"\.ranges\(of"#, #"\.hasPrefix\("#, #"\.hasSuffix\("#, #"\.contains\(""#, #"\.split\(separator: ""#,
            #"\.split\(whereSeparator"#,
            #"\.(first|last)Index\(of: ""#, #"for character in"#, #"\bCharacter[(.\]]"#, #": Character\b"#,
            #"\.(isNewline|isWhitespace|isLetter|isPunctuation|isHexDigit|isWholeNumber)\b"#, #"String\([a-z.]+\.prefix\("#,
        ].joined(separator: "|"))

    /// Where it may be used, and why: a file, or a folder that ends in a slash. What is not here goes by `OutsideText`, by `utf8` or by `unicodeScalars`.
    private static let allowed: [(reason: String, places: [String])] = [
        ("it is the type itself, whose methods have the names of String's", ["Columns/Text/"]),
        (
            "the operator's configuration, templates and command lines: words of ours are looked for in them, and nothing of them is escaped for anybody",
            [
                "Alerting/AlertingConfiguration.swift", "Alerting/Routing/", "Notify/Settings/", "Alerting/OnCall/",
                "Notify/Integrations/Email.swift", "Notify/Integrations/Smarthost.swift",
                "Notify/Integrations/Opsgenie.swift", "Notify/Integrations/Pushover.swift", "Notify/Integrations/SNS.swift",
                "Notify/Messages/MessageGrammar.swift", "Configuration/", "Daemon/", "Jobs/",
                "Detection/Rows/ColumnReference.swift", "Detection/Rules/DetectionRule.swift",
                "Detection/Rules/DetectionRule+Decoding.swift", "Detection/Rules/TextTemplate.swift",
                "Columns/Time/DurationText.swift", "Parsing/MessageGrammar.swift", "Parsing/Layouts/PatternLayout.swift",
                "Parsing/Layouts/PythonLayout.swift", "Parsing/Layouts/WebServerLayout.swift", "Query/SQLQuestion.swift",
                "Server/ServerConfiguration.swift", "Streaming/Definition/",
                "Streaming/Expressions/", "Streaming/Stages/ReferenceFile.swift", "obs/",
            ]
        ),
        (
            "names that obs gives itself: tables, files, states, metrics, routes",
            [
                "Incidents/Outbox/NotificationLog.swift", "Incidents/Life/", "Incidents/Incident.swift",
                "Incidents/Queries/IncidentFilter.swift", "Incidents/Upkeep/IncidentStore+Rows.swift",
                "Lake/",
                "Query/Incidents/EvidenceContext.swift", "Query/Incidents/IncidentFigures.swift",
                "Query/Incidents/IncidentView+Facts.swift", "Query/Rendering/Shown.swift", "Server/Operation.swift",
                "Server/RequestMeter.swift", "Streaming/Pipeline/",
                "Streaming/Replay/", "Streaming/State/", "Telemetry/", "Simulation/",
            ]
        ),
        ("vectors of numbers, whose method has the name of String's", ["Detection/Ensemble/NeighbourDistance.swift"]),
        ("names of files, which are compared whole or by endings of ours", ["Ingest/"]),
        ("runbooks, which the operator writes", ["Query/Runbook.swift", "Query/Rendering/MarkdownPage.swift"]),
        ("paths of URLs and names of hosts, which are compared whole or refused", ["Server/Route.swift", "Server/Door/"]),
    ]

    private func lines() throws -> [(file: String, number: Int, text: String)] {
        let sources = root.appending(path: "Sources"),
            files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        var lines: [(String, Int, String)] = []
        for case let file as URL in files! where file.pathExtension == "swift" {
            let name = String(file.path.dropFirst(sources.path.count + 1))
            let text = try String(contentsOf: file, encoding: .utf8)
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                lines.append((name, number + 1, String(line)))
            }
        }
        return lines
    }

    private func isAllowed(_ file: String) -> Bool {
        Self.allowed.contains { $0.places.contains { $0.hasSuffix("/") ? file.hasPrefix($0) : file == $0 } }
    }

    @Test func `looks at no Character of it, but where the list says why`() throws {
        for (file, number, text) in try lines() where !isAllowed(file) {
            let code = text.trimmingCharacters(in: .whitespaces)
            // A method of OutsideText has the name of String's; an index into scalars or bytes is one of those.
            guard !code.hasPrefix("//"),
                !["OutsideText(", "properties.", "scalars", "unicodeScalars", "utf8"].contains(where: code.contains)
            else { continue }
            #expect(!code.contains(byCharacter), "Sources/\(file):\(number): \(code)")
        }
    }

    @Test func `has a list in which every place still needs its reason`() throws {
        let all = try lines()
        for place in Self.allowed.flatMap(\.places) {
            let isNeeded = all.contains { line in
                (place.hasSuffix("/") ? line.file.hasPrefix(place) : line.file == place) && line.text.contains(byCharacter)
            }
            #expect(isNeeded, "\(place)")
        }
    }

    /// Foundation's encoder and decoder keep the members of an object by `String`s, so two normal forms of a label's name are one.
    @Test func `writes and reads labels by JSON, not by Foundation's encoders`() throws {
        let allowed = [
            "Incidents/IncidentStore+Reading.swift", "Notify/Integrations/WeChat.swift",
            "Notify/Courier/TokenCache.swift",
            "Server/IncidentActions.swift", "Server/Alertmanager/PostedSilence.swift", "Server/OpenAPI.swift",
        ]
        for (file, number, text) in try lines()
        where ["Notify/", "Alerting/", "Incidents/", "Query/", "Server/", "obs/"].contains(where: file.hasPrefix) {
            guard !allowed.contains(file) else { continue }
            #expect(!text.contains(/JSON(Encoder|Decoder|Serialization)\b/), "Sources/\(file):\(number)")
        }
    }

    /// A table whose keys are `String`s takes two normal forms of a text for one.
    @Test func `keeps names and values of labels in Labels`() throws {
        let allowed = [
            "Alerting/Dispatch/", "Notify/", "Server/RouteRequest.swift",
            "Server/Operation.swift", "Server/Access/OpenIDSection.swift", "Query/RunbookTexts.swift",
        ]
        for (file, number, text) in try lines()
        where ["Notify/", "Alerting/", "Incidents/", "Query/", "Server/", "Detection/", "obs/"].contains(where: file.hasPrefix) {
            guard !allowed.contains(where: file.hasPrefix), !text.contains("String?]") else { continue }
            #expect(!text.contains("[String: String]"), "Sources/\(file):\(number)")
        }
    }
}
