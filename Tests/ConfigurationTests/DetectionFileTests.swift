@testable import Detection
import Foundation
import TestSupport
import Testing

@testable import Configuration

struct `The file of a rule` {
    @Test(
        arguments: [
            ("", nil), ("ends: by hand", .byHand), ("ends: quiet", .quiet(nil)), ("ends: quiet 10m", .quiet(.seconds(600))),
        ] as [(String, IncidentEnd?)])
    func `says in a rule how its incidents end`(line: String, ends: IncidentEnd?) throws {
        #expect(try rule(line).ends == ends)
    }

    @Test(arguments: ["ends: never", "ends: quiet soon", "ends: quiet 0s", "ends: by hand now", "ends: ''"])
    func `refuses another end of a rule, and says which there are`(line: String) {
        let refusal = #expect(throws: ConfigurationError.self) { try rule(line) }
        #expect(refusal?.description.contains("write by hand, quiet, or quiet 10m") == true, "\(refusal?.description ?? "")")
    }

    private func rule(_ line: String) throws -> DetectionRule {
        let folder = TemporaryFolder()
        try """
        - name: Guessing
          severity: warning
          title: t
          description: d
          match: 'event="x"'
          group_by: [source]
          count: 1
          \(line)
        """.write(toFile: folder.path + "/rules.yml", atomically: true, encoding: .utf8)
        let path = folder.path + "/obs.yaml"
        try "detections: [rules.yml]\n".write(toFile: path, atomically: true, encoding: .utf8)
        return try #require(
            try Configuration.load(file: path, dataDirectory: nil).detections.first { $0.name == "Guessing" }?.settings
                as? DetectionRule)
    }
}
