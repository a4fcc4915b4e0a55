import Columns
import Detection
import Streaming

/// What obs does without any configuration file. `pipelines/ssh.yaml` and `alerts/detections/ssh.yml` say the same, to be copied and changed; a test holds them
/// together.
enum Builtin {
    private static let failure =
        "event=~\"failed_password|failed_keyboard_interactive|failed_hostbased|failed_other|pam_error|root_login_refused\""
    private static let success = "event=~\"accepted_password|accepted_publickey|accepted_other\""

    private static let attempt = "event=~\"(failed|accepted)_.*|pam_error|root_login_refused\""

    /// Matchers that are part of the program always parse.
    private static func matchers(_ text: String) -> [Matcher] { try! [Matcher](parsing: text) }

    static let ssh = PipelineDefinition(
        name: "ssh", format: "sshd",
        windows: [
            WindowDefinition(
                table: "ssh_by_source", by: ["source"],
                aggregates: [
                    Aggregate("events", .sum, column: "count"),
                    Aggregate("attempts", .sum, column: "count", where: matchers(attempt)),
                    Aggregate("failures", .sum, column: "count", where: matchers(failure)),
                    Aggregate("successes", .sum, column: "count", where: matchers(success)),
                    Aggregate("invalid_users", .sum, column: "count", where: matchers("event=\"invalid_user\"")),
                    Aggregate("root_failures", .sum, column: "count", where: matchers(failure + ", user=\"root\"")),
                    Aggregate("distinct_users", .distinct, column: "user"),
                    Aggregate("distinct_hosts", .distinct, column: "host"),
                    Aggregate("distinct_ports", .distinct, column: "port"),
                ]),
            WindowDefinition(
                table: "ssh_by_user", by: ["user"],
                aggregates: [
                    Aggregate("attempts", .sum, column: "count", where: matchers(attempt)),
                    Aggregate("failures", .sum, column: "count", where: matchers(failure)),
                    Aggregate("successes", .sum, column: "count", where: matchers(success)),
                    Aggregate("distinct_sources", .distinct, column: "source"),
                    Aggregate("distinct_hosts", .distinct, column: "host"),
                ]),
            WindowDefinition(
                table: "ssh_by_host", by: ["host"],
                aggregates: [
                    Aggregate("events", .sum, column: "count"),
                    Aggregate("failures", .sum, column: "count", where: matchers(failure)),
                    Aggregate("successes", .sum, column: "count", where: matchers(success)),
                    Aggregate("invalid_users", .sum, column: "count", where: matchers("event=\"invalid_user\"")),
                    Aggregate("distinct_sources", .distinct, column: "source"),
                    Aggregate("distinct_users", .distinct, column: "user"),
                ]),
        ])

    static let rules = [
        DetectionRule(
            name: "SSHBruteForce", severity: .warning, title: "Brute force from {source} against {host}",
            description: "{count} failed logins from {source} on {host} within five minutes.", match: matchers(failure),
            groupBy: ["source", "host"],
            within: .seconds(300), count: 10),
        DetectionRule(
            name: "SSHPasswordSpray", severity: .warning, title: "Password spray from {source}: {distinct} users",
            description: "{source} tried {distinct} user names in {count} failed logins within ten minutes.",
            match: matchers(failure), groupBy: ["source"],
            within: .seconds(600), count: 8, distinct: ("user", 8)),
        DetectionRule(
            name: "SSHSuccessAfterFailures", severity: .critical, title: "{source} logged in as {user} after failures",
            description: "{count} failed logins of {user} from {source} within fifteen minutes, then one that succeeded.",
            match: matchers(failure),
            groupBy: ["source", "user"], within: .seconds(900), count: 5, then: matchers(success)),
    ]

    /// All pipelines that obs comes with.
    static let pipelines: [PipelineDefinition] =
        [ssh]
        + BuiltinTexts.pipelines.map { name, text in
            // The texts are part of the program, and a test reads each.
            try! YAMLDocument(text, file: "pipelines/\(name).yaml").decode(PipelineFile.self).definition
        }

    /// The rules on events of all of them.
    static let allRules: [DetectionRule] =
        rules
        + BuiltinTexts.detections.flatMap { name, text in
            try! YAMLDocument(text, file: "alerts/detections/\(name).yml").decode([DetectionFile].self).map(\.rule)
        }
}
