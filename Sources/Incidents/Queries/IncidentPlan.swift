import Columns
import Detection
@preconcurrency import GRDB

/// How a filter is answered without reading what the answer does not need.
///
/// The order of answers is always the same (newest first: `incident.listed_at`), so one index is walked in that order: of the
/// label, the person, the state or the severity that the fewest incidents have. Which one is decided here by counting, and not
/// left to SQLite, which has no statistics on a table that changes all day. All other conditions are compared row by row, for
/// at most `IncidentFilter.patience` rows of a page: so each question ends soon, and says where to go on when it has not seen
/// all.
///
/// Children are found by their parent: the labels of children point to it too.
struct IncidentPlan {
    /// A statement that gives incidents in the order of the answer.
    struct Walk {
        let sql: String
        let arguments: StatementArguments
    }

    /// One after the other: each begins where the one before has ended.
    let walks: [Walk]
    private let filter: IncidentFilter
    /// What is compared with the labels of each row.
    private let matchers: [Matcher]

    init(_ filter: IncidentFilter, _ database: Database) throws {
        self.filter = filter
        let matchers = try [Matcher](parsing: filter.matchers)
        let bounds = Bounds(
            until: filter.until, cursor: try filter.cursor.map { (text) throws(FilterError) in try IncidentCursor(text) })
        if let text = filter.text {
            let numbers = try TextSearch.incidents(containing: text, filter, database)
            walks = [Self.walk(through: numbers, bounds)]
            self.matchers = matchers
            return
        }
        guard let driver = try Self.rarest(filter, matchers, database) else {
            // Something that is asked for is nowhere.
            (walks, self.matchers) = ([], [])
            return
        }
        if case .label(let matcher, _) = driver, matchers.count == 1, matcher.operator == .equal, filter.since == nil {
            // The index has answered it. Several must hold together on the incident itself or on one part of it.
            self.matchers = []
        } else {
            self.matchers = matchers
        }
        switch driver {
        case .label(let matcher, let values) where values.count > 1:
            walks = [Self.walk(through: try Self.numbers(with: matcher.name, in: values, database), bounds)]
        default:
            guard let since = filter.since else {
                walks = [driver.walk(bounds)]
                return
            }
            // Nearly all that were opened since then come after it in the list; the others were found late, and have an
            // index of their own.
            walks = [driver.walk(bounds.since(since)), Self.foundLate(since: since, bounds)]
        }
    }

    /// What is compared of an incident. It is read before the rest, because most are compared and not shown.
    struct Compared: PositionalRow {
        static let columns = [
            "number", "listed_at", "merged_into", "state", "severity", "assignee", "acknowledged_by", "opened_at", "resolution",
            "seen_by", "labels", "merged_count",
        ]

        let number: Int64
        let listedAt: Int64
        let mergedInto: Int64?
        let state: String
        let severity: String
        let person: String?
        let openedAt: Timestamp
        let resolution: Incident.Resolution?
        let seenBy: String?
        /// JSON.
        let labels: String
        let mergedCount: Int

        init(row: Row) throws {
            var reader = RowReader(row)
            number = try reader.next()
            listedAt = try reader.next()
            mergedInto = try reader.optional()
            state = try reader.next()
            severity = try reader.next()
            let assignee: String? = try reader.optional(), acknowledgedBy: String? = try reader.optional()
            person = assignee ?? acknowledgedBy
            openedAt = try reader.time()
            resolution = (try reader.optional() as String?).flatMap(Incident.Resolution.init)
            seenBy = try reader.optional()
            labels = try reader.next()
            mergedCount = try reader.next()
        }
    }

    /// What each walk selects: what is compared, then the incident.
    static let selected = "SELECT \(Compared.columns("m")), \(IncidentRow.columns("m"))"

    /// Whether an incident is what is asked for; the cheapest conditions first.
    func isAnswered(by row: Compared, _ database: Database) throws -> Bool {
        guard row.mergedInto == nil, filter.state.map({ $0.rawValue == row.state }) ?? true,
            filter.severity.map({ $0.rawValue == row.severity }) ?? true,
            filter.assignee.map({ wanted in row.person.map(wanted.hasSameBytes) ?? false }) ?? true,
            filter.since.map({ $0 <= row.openedAt }) ?? true, filter.until.map({ $0 >= row.openedAt }) ?? true,
            !filter.isUnseen || row.resolution == .quiet && row.seenBy == nil,
            !filter.isFoundInPast || row.resolution == .past
        else { return false }
        guard !matchers.isEmpty, !matchers.match(JSONText.pairs(row.labels)) else { return true }
        guard row.mergedCount > 0 else { return false }
        let children = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT labels FROM incident WHERE merged_into = ?"), arguments: [row.number])
        while let child = try children.next() {
            if let labels = String.fromDatabaseValue(child[0]), matchers.match(JSONText.pairs(labels)) { return true }
        }
        return false
    }

    // MARK: Which index

    /// How many of a kind are counted: more is many.
    private static let many = 20_000

    private enum Driver {
        case all
        case unseen
        case foundInPast
        case state(Incident.State)
        case severity(Severity)
        case person(String)
        /// The values that the matcher matches.
        case label(Matcher, [String])

        func walk(_ bounds: Bounds) -> Walk {
            let (source, condition, arguments): (String, String, StatementArguments) =
                switch self {
                case .all: ("incident m INDEXED BY incident_listed", "", [])
                case .unseen: ("incident m INDEXED BY incident_unseen", "\(IncidentSchema.unseen) AND ", [])
                case .foundInPast: ("incident m INDEXED BY incident_past", "\(IncidentSchema.foundInPast) AND ", [])
                case .state(let state): ("incident m INDEXED BY incident_state", "m.state = ? AND ", [state.rawValue])
                case .severity(let severity):
                    ("incident m INDEXED BY incident_severity", "m.severity = ? AND ", [severity.rawValue])
                case .person(let person):
                    ("incident m INDEXED BY incident_who", "coalesce(m.assignee, m.acknowledged_by) = ? AND ", [person])
                case .label(let matcher, let values):
                    (
                        "incident_label l CROSS JOIN incident m ON m.number = l.incident", "l.name = ? AND l.value = ? AND ",
                        [matcher.name, values[0]]
                    )
                }
            let order = if case .label = self { ("l.listed_at", "l.incident") } else { ("m.listed_at", "m.number") }
            return Walk(
                sql:
                    """
                    \(selected) FROM \(source) WHERE \(condition)\(bounds.condition(order)) ORDER BY \(order.0) DESC, \
                    \(order.1) DESC
                    """,
                arguments: arguments + bounds.arguments)
        }
    }

    /// Where the answer begins and ends in its order.
    private struct Bounds {
        var since: Timestamp?
        var before: Timestamp?
        let until: Timestamp?
        let cursor: IncidentCursor?

        init(until: Timestamp?, cursor: IncidentCursor?) {
            self.until = until
            self.cursor = cursor
        }

        func since(_ time: Timestamp) -> Bounds {
            var bounds = self
            bounds.since = time
            return bounds
        }

        func condition(_ order: (place: String, number: String)) -> String {
            var conditions = ["1"]
            if since != nil { conditions.append("\(order.place) >= ?") }
            if until != nil { conditions.append("\(order.place) <= ?") }
            // The first comparison is what the index begins at.
            if cursor != nil { conditions.append("\(order.place) <= ? AND (\(order.place), \(order.number)) < (?, ?)") }
            return conditions.joined(separator: " AND ")
        }

        var arguments: StatementArguments {
            var values: [Int64] = []
            if let since { values.append(since.microseconds) }
            // What was opened by then is there or before, unless a clock was ahead; when it was opened is compared row
            // by row.
            if let until { values.append((until + IncidentStore.foundLate).microseconds) }
            if let cursor { values += [cursor.listedAt, cursor.listedAt, cursor.number] }
            return StatementArguments(values)
        }
    }

    /// Those that are listed before `time`, by when they began, and were opened at it or later. They are few but for a first
    /// start, so they may be sorted.
    private static func foundLate(since time: Timestamp, _ bounds: Bounds) -> Walk {
        Walk(
            sql: """
                \(selected) FROM incident m INDEXED BY incident_found_late WHERE \(IncidentSchema.foundLate)
                    AND m.opened_at >= ? AND m.listed_at < ?
                    AND \(bounds.condition(("m.listed_at", "m.number"))) ORDER BY m.listed_at DESC, m.number DESC
                """, arguments: [time.microseconds, time.microseconds] + bounds.arguments)
    }

    /// The incidents of a list, which is in the order of the answer: `json_each` gives its elements in their order, and a cross
    /// join keeps its loops.
    private static func walk(through numbers: [Int64], _ bounds: Bounds) -> Walk {
        Walk(
            sql: """
                \(selected) FROM json_each(?) n CROSS JOIN incident m ON m.number = n.value
                    WHERE \(bounds.condition(("m.listed_at", "m.number")))
                """, arguments: [JSONText.list(numbers)] + bounds.arguments)
    }

    /// What the fewest incidents have of all that is asked for; nil when none has it.
    private static func rarest(_ filter: IncidentFilter, _ matchers: [Matcher], _ database: Database) throws -> Driver? {
        var best = (driver: Driver.all, count: Int.max)
        func consider(_ driver: Driver, _ count: Int) { if count < best.count { best = (driver, count) } }
        // Of what has ended these are nearly always the fewest, and no other condition keeps out as much.
        if filter.isUnseen { return .unseen }
        if filter.isFoundInPast { return .foundInPast }
        if let state = filter.state {
            let sql = "SELECT coalesce(sum(count), 0) FROM incident_count WHERE state = ?"
            consider(.state(state), try Int.fetchOne(database, sql: sql, arguments: [state.rawValue]) ?? 0)
        }
        if let severity = filter.severity {
            let sql = "SELECT coalesce(sum(count), 0) FROM incident_count WHERE severity = ?"
            consider(.severity(severity), try Int.fetchOne(database, sql: sql, arguments: [severity.rawValue]) ?? 0)
        }
        if let person = filter.assignee {
            let sql = """
                SELECT count(*) FROM (SELECT 1 FROM incident INDEXED BY incident_who
                    WHERE coalesce(assignee, acknowledged_by) = ? LIMIT \(many))
                """
            consider(.person(person), try Int.fetchOne(database, sql: sql, arguments: [person]) ?? 0)
        }
        for matcher in matchers where !matcher.matches("") {
            guard let values = try values(of: matcher, database) else { continue }
            let sql = """
                SELECT count(*) FROM (SELECT 1 FROM incident_label WHERE name = ? AND value IN (SELECT value
                    FROM json_each(?)) LIMIT \(many))
                """
            let count = try Int.fetchOne(database, sql: sql, arguments: [matcher.name, JSONText.list(values)]) ?? 0
            // Many values are sorted, one is walked in order: many rows are only good for one.
            if values.count == 1 || count < many { consider(.label(matcher, values), count) }
        }
        return best.count == 0 ? nil : best.driver
    }

    /// The values that a matcher matches, where the index knows them: one of an equality, or those that an expression matches
    /// where a label has few.
    private static func values(of matcher: Matcher, _ database: Database) throws -> [String]? {
        // SQLite ends a text at U+0000: such a value is compared row by row.
        guard !matcher.value.utf8.contains(0), !matcher.name.utf8.contains(0) else { return nil }
        if matcher.operator == .equal { return [matcher.value] }
        guard matcher.operator == .matches else { return nil }
        // One step into the index a value, however many incidents have it.
        let most = 2000
        let all = try String.fetchAll(
            database,
            sql: """
                WITH RECURSIVE known (value) AS (
                    SELECT min(value) FROM incident_label WHERE name = ?1
                    UNION ALL SELECT (SELECT min(value) FROM incident_label WHERE name = ?1 AND value > known.value)
                        FROM known WHERE value IS NOT NULL)
                SELECT value FROM known WHERE value IS NOT NULL LIMIT \(most + 1)
                """, arguments: [matcher.name])
        guard all.count <= most else { return nil }
        return try all.filter { value in
            try Task.checkCancellation()
            return matcher.matches(value)
        }
    }

    /// The incidents that have one of several values, in the order of the answer.
    private static func numbers(with name: String, in values: [String], _ database: Database) throws -> [Int64] {
        try Int64.fetchAll(
            database,
            sql: """
                SELECT DISTINCT incident, listed_at FROM incident_label WHERE name = ? AND value IN (SELECT value
                    FROM json_each(?))
                ORDER BY listed_at DESC, incident DESC
                """, arguments: [name, JSONText.list(values)])
    }
}

extension JSONText {
    fileprivate static func list(_ texts: [String]) -> String { "[\(texts.map(quote).joined(separator: ","))]" }
}
