import Alerting
import Incidents
import Columns
import Jobs
import Detection
import GRDB
import Store

/// Fills a store with a year: findings by the way that all findings go, and what became of them in bulk, with five entries on each timeline.
///
/// What is decided one by one in real life is written here by statements over many incidents; the triggers of the tables keep labels, search, counts and
/// statistics as ever.
struct History {
    static let route: Route = {
        var route = Route(receiver: "oncall")
        route.groupBy = ["alertname", "host"]
        return route
    }()

    /// Each of the million is an incident of its own: those that join another are found by it.
    static let policy: IncidentPolicy = {
        var policy = IncidentPolicy()
        policy.joinLabels = []
        return policy
    }()

    private static let batch = 1000
    /// How many are found at once: ten minutes of a year of a million.
    private static let together = 20
    /// Of a thousand, how many are still open or acknowledged of those that began last.
    private static let live = 40

    private let workspace: Workspace
    private let count: Int
    private let end: Timestamp
    private let step: Duration
    private var year = Year(seed: 4)
    private var made = 0

    init(_ workspace: Workspace, count: Int, endingAt end: Timestamp) throws {
        self.workspace = workspace
        self.count = count
        self.end = end
        step = .microseconds(365 * 86_400 * 1_000_000 / Int64(max(1, count)))
        try others()
    }

    /// Another thousand incidents and what became of them; nil when the year is over.
    mutating func advance() throws -> Int? {
        guard made < count else { return nil }
        let size = min(Self.batch, count - made)
        let begin = end - .microseconds(Int64(count - made) * step.inMicroseconds)
        let now = begin + .microseconds(Int64(size) * step.inMicroseconds)
        var opened: [(number: Int64, at: Timestamp)] = []
        for start in stride(from: 0, to: size, by: Self.together) {
            let findings = (start..<min(start + Self.together, size)).map { index in
                year.finding(at: begin + .microseconds(Int64(index) * step.inMicroseconds))
            }
            let at = findings.last!.lastSeen + .seconds(year.number(1...90))
            for outcome in try workspace.incidents.record(findings, routing: Self.route, policy: Self.policy, now: at) {
                if case .opened(let id) = outcome, let number = Incident.number(of: id) { opened.append((number, at)) }
            }
        }
        made += size
        try workspace.store.database.write { database in
            // Opened as they were found, told a minute later.
            try database.execute(
                sql: "UPDATE outbox SET state = 'sent', sent_at = created_at + 60000000, attempts = 1 WHERE state = 'pending'")
            for (number, at) in opened { try live(number, at, database) }
            try database.execute(
                sql: "DELETE FROM outbox WHERE state = 'sent' AND sent_at < ?",
                arguments: [(now - .seconds(30 * 86_400)).microseconds])
            try database.execute(
                sql: "DELETE FROM alert_membership WHERE alert IN (SELECT id FROM alert WHERE ends_at < ?)",
                arguments: [(now - .seconds(600)).microseconds])
            try database.execute(
                sql: "DELETE FROM alert WHERE ends_at < ?", arguments: [(now - .seconds(5 * 86_400)).microseconds])
        }
        if year.chance(0.3) { try decideByHand(opened.map(\.number), now) }
        return made
    }

    /// One incident's life in five entries: opened (written already), told, and three more.
    private mutating func live(_ number: Int64, _ at: Timestamp, _ database: Database) throws {
        let opened = at.microseconds
        func note(_ after: Int, _ actor: String, _ kind: String, _ text: String) throws {
            try database.executeCached(
                sql: "INSERT INTO timeline (incident, at, actor, kind, text) VALUES (?, ?, ?, ?, ?)",
                arguments: [number, opened + Int64(after) * 1_000_000, actor, kind, text])
        }
        try note(60, "obs", "notified", "oncall was notified that it is firing")
        let isLive = made + 30_000 > count && year.chance(Double(Self.live) / 1000)
        let isTaken = year.chance(0.35), person = year.person(), took = year.number(30...3000)
        if isTaken {
            try database.executeCached(
                sql:
                    "UPDATE incident SET state = 'acknowledged', acknowledged_by = ?1, changed_by = ?1, acknowledged_at = ?2, assignee = ?3 WHERE number = ?4",
                arguments: [person, opened + Int64(took) * 1_000_000, year.chance(0.5) ? year.person() : nil, number])
            try note(took, person, "acknowledged", "acknowledged")
            try note(
                took + 60, person, "note",
                ["asked the network team", "looks like the backup job", "blocked at the firewall", "known scanner"][
                    year.number(0...3)])
            try audit(number, person, "acknowledge", opened, database)
        } else {
            try note(300, "obs", "notified", "oncall was notified that it is firing")
            try note(600, "obs", "notified", "oncall was notified that it is firing")
        }
        guard !isLive else { return try note(900, person, "note", "still looking") }
        let resolution = isTaken ? [.fixed, .fixed, .falsePositive, .expected][year.number(0...3)] : Incident.Resolution.quiet
        let ended = opened + Int64(took + year.number(60...9000)) * 1_000_000
        try database.executeCached(
            sql:
                "UPDATE incident SET state = 'resolved', resolution = ?1, resolved_at = ?2, updated_at = ?2, changed_by = ?3 WHERE number = ?4",
            arguments: [resolution.rawValue, ended, isTaken ? person : nil, number])
        try database.executeCached(sql: "UPDATE alert SET ends_at = ?1 WHERE incident = ?2", arguments: [ended, number])
        try note(
            took + 3600, isTaken ? person : "obs", "resolved", isTaken ? "resolved: the case is closed" : "nothing new for 300 s")
        if isTaken { try audit(number, person, "resolve", ended, database) }
    }

    private func audit(_ number: Int64, _ actor: String, _ action: String, _ at: Int64, _ database: Database) throws {
        try Store.audit(database, at: at, actor: actor, action: "incident.\(action)", subject: "INC-\(number)")
    }

    /// A few are merged, reopened and noted upon as people do it.
    private mutating func decideByHand(_ numbers: [Int64], _ now: Timestamp) throws {
        guard numbers.count >= 10 else { return }
        let ids = numbers.prefix(10).map { "INC-\($0)" }
        let incidents = workspace.incidents
        for (action, id) in [(IncidentStore.Action.merge(Array(ids[1...4])), ids[0]), (.reopen, ids[5]), (.resolve, ids[5])] {
            // Some of them are in no state for it, as it happens.
            _ = try? incidents.perform(action, on: id, by: year.person(), now: now)
        }
    }

    /// What else is in the store after a year: silences and runs.
    private mutating func others() throws {
        try workspace.store.database.write { database in
            for index in 0..<5000 {
                let begin = end - .seconds(365 * 86_400 / 5000 * (5000 - index))
                let length = Duration.seconds(year.number(600...86_400))
                try database.executeCached(
                    sql: "INSERT OR REPLACE INTO silence VALUES (?, ?, ?, ?, ?, ?, 'quiet for the upgrade')",
                    arguments: [
                        "silence-\(index)", "[\"host=\\\"web-\(year.number(1...250))\\\"\"]", begin.microseconds,
                        (begin + length).microseconds,
                        begin.microseconds, year.person(),
                    ])
            }
            for index in 0..<100_000 {
                let begin = end.microseconds - Int64(100_000 - index) * 315_000_000
                try database.executeCached(
                    sql: "INSERT OR REPLACE INTO pipeline_run VALUES (?1, ?2, 'schedule', ?3, ?3, ?4, NULL)",
                    arguments: [index + 1, ["rail", "shop", "ssh", "events", "self"][index % 5], begin, begin + 90_000_000])
                for (position, stage) in ["bronze.lines", "silver.events", "gold.windows"].enumerated() {
                    try database.executeCached(
                        sql: "INSERT OR REPLACE INTO pipeline_run_stage VALUES (?, ?, ?, 100000, 90000)",
                        arguments: [index + 1, stage, position])
                }
            }
        }
    }
}
