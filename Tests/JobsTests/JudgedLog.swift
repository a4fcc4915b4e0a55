import Columns
import Configuration
import Foundation
import Incidents
import Store
import Testing

import class GRDB.Database

@testable import Jobs

/// The log of addresses that guess for some minutes, processed; the incidents of some of them were resolved by a person.
struct JudgedLog {
    /// Half an hour ago: what is found in it goes on.
    static var recent: Timestamp { Timestamp(seconds: Timestamp.now.microseconds / 1_000_000 - 1800) }

    var start = recent

    /// - Parameter sources: each with what its incident was resolved as; nil leaves it open.
    func processed(in folder: String, _ sources: [(address: String, resolution: Incident.Resolution?)]) async throws
        -> Configuration
    {
        var lines: [String] = []
        for attempt in 0..<30 {
            for (number, source) in sources.enumerated() {
                let head = "\(start + .seconds(attempt * 9 + number + 1)) gate sshd[\(1000 * (number + 1) + attempt)]:"
                lines.append("\(head) Failed password for root from \(source.address) port 4242 ssh2")
            }
        }
        let log = folder + "/auth.log"
        try (lines.joined(separator: "\n") + "\n").write(toFile: log, atomically: true, encoding: .utf8)
        let configuration = try Configuration.load(file: nil, dataDirectory: folder + "/data")
        _ = try await Processing.run(Processing.Options(files: [log]), configuration, progress: { _, _ in })
        let workspace = try Workspace(configuration.dataDirectory)
        for source in sources {
            guard let resolution = source.resolution else { continue }
            let number = try await workspace.store.database.read { database in
                try Int64.fetchOne(
                    database,
                    sql: """
                        SELECT number FROM incident WHERE name = 'SSHBruteForce' AND merged_into IS NULL
                            AND json_extract(labels, '$.source') = ?
                        """, arguments: [source.address])
            }
            try workspace.incidents.perform(.end(as: resolution), on: "INC-\(try #require(number))", by: "kim", now: .now)
        }
        return configuration
    }

    /// A rule called as a built-in one.
    ///
    /// - Parameter change: further lines, indented by two blanks from the second on.
    static func bruteForce(_ change: String) -> String {
        """
        - name: SSHBruteForce
          pipeline: ssh
          severity: warning
          title: "{source}"
          description: "{source} {count}"
          match: 'outcome="failure"'
          group_by: [source, host]
          within: 5m
          \(change)
        """
    }
}
