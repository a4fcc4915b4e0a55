import Foundation
import TestSupport
import Testing

/// A session with Debian's amtool, as it was recorded: the same commands are typed to obs and, where it is installed, to Alertmanager.
@Suite(
    .enabled(if: Peers.has("amtool") && Peers.has("jq"), "there is no amtool or no jq on the PATH"), .timeLimit(.minutes(10)))
struct `A session with amtool` {
    private static let configuration = """
        route:
          receiver: mail
          routes:
          - {matchers: ['severity="critical"'], receiver: pages, continue: true}
          - matchers: ['team=~"db|web"']
            receiver: tickets
            routes: [{matchers: ['team="web"'], receiver: web}]
        receivers: [{name: mail}, {name: pages}, {name: tickets}, {name: web}]
        """

    private static var transcript: String {
        get throws {
            try String(
                contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Sessions/amtool.txt"),
                encoding: .utf8)
        }
    }

    /// Types the commands of a transcript and writes down what they print, in the form of the transcript.
    private static func replay(_ transcript: String, to url: String) throws -> String {
        let folder = TemporaryFolder()
        try configuration.write(toFile: folder.path + "/alertmanager.yml", atomically: true, encoding: .utf8)
        var lines: [Substring] = []
        for line in transcript.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#") { lines.append(line) }
            guard line.hasPrefix("$ ") else { continue }
            lines.append(line)
            let ended = try shell(String(line.dropFirst(2)), in: folder.path, url: url)
            lines += steady(ended.text).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            if ended.status != 0 { lines.append("[exit \(ended.status)]") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The text without what is another each time.
    private static func steady(_ text: String) -> String {
        text.replacing(#/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/#, with: "<id>")
            .replacing(#/20[1-8]\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/#, with: "<time>")
            .replacing(#/[ \t]+\n/#, with: "\n")
    }

    private static func shell(_ command: String, in folder: String, url: String) throws -> ProgramOutput {
        let words = "amtool() { command amtool --alertmanager.url=\(url) \"$@\"; }; \(command)"
        return try output(of: "bash", ["-c", words], in: folder, environment: ["HOME": folder])
    }

    private func differences(_ expected: String, _ got: String) -> String {
        let old = expected.split(separator: "\n"), new = got.split(separator: "\n")
        return new.difference(from: old).map {
            switch $0 {
            case .remove(_, let line, _): "missing: \(line)"
            case .insert(_, let line, _): "instead: \(line)"
            }
        }.joined(separator: "\n")
    }

    @Test func `reads as the one recorded when obs answers`() async throws {
        let indented = Self.configuration.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
        let obs = try await RunningObs(alerting: indented)
        let transcript = try Self.transcript
        let typed = try await onOwnThread { try Self.replay(transcript, to: obs.url) }
        #expect(typed == transcript, "\(differences(transcript, typed))")
    }

    @Test(.enabled(if: RunningAlertmanager.isInstalled, "there is no prometheus-alertmanager on the PATH"))
    func `was recorded from Alertmanager`() async throws {
        let alertmanager = try await RunningAlertmanager(configuration: Self.configuration)
        let transcript = try Self.transcript
        let typed = try await onOwnThread { try Self.replay(transcript, to: alertmanager.url) }
        #expect(typed == transcript, "\(differences(transcript, typed))")
    }
}
