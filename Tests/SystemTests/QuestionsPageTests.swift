import Foundation
import TestSupport
import Testing

/// `docs/questions.md`: what people ask, how it is asked, and what the answer is on simulated data. `make references` writes it.
@Suite(.timeLimit(.minutes(10)))
struct `The reference of questions` {
    /// Six hours of traffic with attacks, always the same.
    private static let simulation = [
        "simulate", "ssh", "--for", "6h", "--rate", "1", "--corrupt", "0.001", "--seed", "18", "--start", "2026-11-20T00:00:00Z",
    ]

    private static let questions: [(question: String, arguments: [String])] = [
        ("Which addresses fail most often to log in?", ["top", "source", "outcome=\"failure\"", "--limit", "5"]),
        ("Which names do they try?", ["top", "user", "outcome=\"failure\"", "--limit", "5"]),
        ("How did log-ins end, since three o'clock?", ["count", "--by", "outcome", "--since", "2026-11-20T03:00:00Z"]),
        (
            "Is that more than in the hours before?",
            ["count", "--by", "outcome", "--since", "2026-11-20T03:00:00Z", "--until", "2026-11-20T06:00:00Z", "--compare", "3h"]
        ),
        ("How do people log in?", ["count", "outcome=\"success\"", "--by", "method"]),
        ("Which address attacks when?", ["top", "source", "outcome=\"failure\"", "--limit", "2", "--by", "2h"]),
        ("What can be asked?", ["tables", "silver.ssh"]),
        sql(
            "How many failures are there per hour?",
            "SELECT bucket(event_time, '1h') AS hour, count(*) AS failures FROM silver.ssh WHERE outcome = 'failure' GROUP BY 1 ORDER BY 1"
        ),
        sql(
            "Which share of attempts fails, by host?",
            "SELECT host, count(*) FILTER (WHERE outcome = 'failure') * 100 / count(*) AS percent FROM silver.ssh WHERE outcome IS NOT NULL "
                + "GROUP BY host ORDER BY host"),
        sql(
            "Which addresses tried the most names?",
            "SELECT source, count(DISTINCT user) AS names FROM silver.ssh WHERE outcome = 'failure' GROUP BY source HAVING names > 1 "
                + "ORDER BY names DESC, source LIMIT 5"),
        sql(
            "Who failed, and got in later?",
            "WITH failed AS (SELECT source, min(event_time) AS first, count(*) AS n FROM silver.ssh WHERE outcome = 'failure' GROUP BY source), "
                + "entered AS (SELECT source, max(event_time) AS last FROM silver.ssh WHERE outcome = 'success' GROUP BY source) "
                + "SELECT source, n AS failures FROM failed JOIN entered USING (source) WHERE last > first AND n > 5 ORDER BY n DESC, source LIMIT 5"
        ),
        sql(
            "Which networks do failures come from?",
            "SELECT rtrim(source, '0123456789') || '0/24' AS network, count(*) AS failures, count(DISTINCT source) AS addresses FROM silver.ssh "
                + "WHERE outcome = 'failure' AND source NOT LIKE '%:%' GROUP BY 1 ORDER BY failures DESC, network LIMIT 5"),
        sql(
            "What came from one network?",
            "SELECT event, count(*) AS n FROM silver.ssh WHERE cidr('198.19.246.0/24', source) GROUP BY event ORDER BY n DESC, event LIMIT 5"
        ),
        sql(
            "Which names look like those of programs?",
            "SELECT user, count(*) AS n FROM silver.ssh WHERE matches(user, '(www|git|postgres|mysql|ftp|oracle|test).*') GROUP BY user "
                + "ORDER BY n DESC, user LIMIT 5"),
        sql(
            "When was the last log-in of root?",
            "SELECT max(event_time) AS last FROM silver.ssh WHERE user = 'root' AND outcome = 'success'"),
        sql(
            "Which incidents are there, by rule?",
            "SELECT name, severity, count(*) AS n FROM incidents WHERE parent IS NULL GROUP BY name, severity ORDER BY n DESC, name, severity"
        ),
        sql(
            "What stands behind the worst incident?",
            "SELECT line FROM evidence WHERE incident = (SELECT number FROM incidents ORDER BY severity = 'critical' DESC, total DESC, number LIMIT 1) "
                + "ORDER BY time LIMIT 3"),
        sql(
            "What else did the sources of incidents do?",
            "SELECT s.source, count(*) AS events, count(DISTINCT s.host) AS hosts FROM (SELECT DISTINCT source FROM incidents) i "
                + "JOIN silver.ssh s ON s.source = i.source GROUP BY s.source ORDER BY events DESC, s.source LIMIT 5"),
        sql(
            "Which lines could not be read, and why?",
            "SELECT reason, count(*) AS n FROM expectations GROUP BY reason ORDER BY reason"),
        sql("How large are the tables?", "SELECT table_name, rows, files FROM tables ORDER BY rows DESC, table_name"),
    ]

    private static func sql(_ question: String, _ statement: String) -> (String, [String]) { (question, ["sql", statement]) }

    @Test func `has twenty of them, with their answers`() throws {
        #expect(Self.questions.count == 20)
        let folder = TemporaryFolder()
        let lines = try Program.run(Self.simulation)
        try #require(lines.status == 0, "\(lines.errors)")
        try lines.output.write(toFile: folder.path + "/auth.log", atomically: true, encoding: .utf8)
        let processed = try Program.run(["process", "auth.log", "--data-dir", "data"], in: folder.path)
        try #require(processed.status == 0, "\(processed.errors)")
        var page = """
            # Twenty questions

            What people ask of logs and incidents, how it is asked ([sql.md](sql.md), [schema.md](schema.md)), and the answers on simulated traffic:

                obs \(Self.simulation.joined(separator: " ")) > auth.log
                obs process auth.log

            This page is made by `make references`, which asks.

            """
        for (question, arguments) in Self.questions {
            let answer = try Program.run(["query"] + arguments + ["--data-dir", "data"], in: folder.path)
            #expect(answer.status == 0, "\(question) \(answer.errors)")
            #expect(!answer.output.isEmpty, "\(question)")
            let shown = (["obs", "query"] + arguments).map(Self.quoted).joined(separator: " ")
            page += "\n## \(question)\n\n    \(shown)\n\n```\n\(answer.output)```\n"
        }
        #expect(try Reference.difference("docs/questions.md", page) == nil)
    }

    /// As a shell takes it.
    private static func quoted(_ word: String) -> String {
        guard word.contains(where: { " '\"*()<>".contains($0) }) else { return word }
        return word.contains("\"") ? "'\(word)'" : "\"\(word)\""
    }
}
