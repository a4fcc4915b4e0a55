import Columns
@preconcurrency import GRDB

/// The tables, and what becomes of their rows.
extension ModelRegistry {
    static let schema = """
        -- Trained models by version. A version never changes but for its tags; its folder is NAME/VERSION in the folder models of
        -- the data directory.
        CREATE TABLE model (
            name TEXT NOT NULL,
            -- Counts from 1 per name.
            version INTEGER NOT NULL,
            -- The type of model in the file, such as windows.
            kind TEXT NOT NULL,
            -- Microseconds since 1970.
            trained_at INTEGER NOT NULL,
            -- How many rows it was trained on.
            trained_on INTEGER NOT NULL,
            -- Times of the first and the last of these rows, in microseconds since 1970; null where rows have no time.
            trained_from INTEGER,
            trained_to INTEGER,
            -- The score from which a row is a finding.
            threshold REAL NOT NULL,
            -- JSON: the names of its features in their order.
            features TEXT NOT NULL,
            -- SHA-256 of the names and types of the features: versions with the same hash take the same rows.
            feature_hash TEXT NOT NULL,
            -- JSON: what it was trained with, by name.
            parameters TEXT NOT NULL,
            -- JSON: how good it was found in training, by name.
            metrics TEXT NOT NULL,
            -- JSON: notes of people and programs, by name.
            tags TEXT NOT NULL,
            -- Path of its file in the folder models.
            file TEXT NOT NULL,
            -- SHA-256 of the bytes of the file, in hexadecimal digits.
            checksum TEXT NOT NULL,
            PRIMARY KEY (name, version));
        -- Names of versions: what is used by an alias uses the version that has it.
        CREATE TABLE model_alias (
            name TEXT NOT NULL,
            -- champion judges, challenger is run beside it; others are free.
            alias TEXT NOT NULL,
            version INTEGER NOT NULL,
            PRIMARY KEY (name, alias));
        -- The champions of each model one after the other, so that a rollback finds the one before; the newest is the present.
        CREATE TABLE model_champion (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            -- Microseconds since 1970.
            since INTEGER NOT NULL);
        -- How champions and challengers scored the rows that they saw, by day of event time.
        CREATE TABLE model_score (
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            -- Midnight in UTC, microseconds since 1970.
            day INTEGER NOT NULL,
            -- How many rows were scored.
            scored INTEGER NOT NULL,
            -- How many of them had a score at the threshold or above.
            found INTEGER NOT NULL,
            -- JSON: how many scores were in each bin of the scores in training, tenths where scores vary.
            bins TEXT NOT NULL,
            PRIMARY KEY (name, version, day));
        """

    static func insert(_ entry: Entry, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO model (name, version, kind, trained_at, trained_on, trained_from, trained_to, threshold, features,
                    feature_hash, parameters, metrics, tags, file, checksum)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                entry.name, entry.version, entry.kind, entry.trainedAt.microseconds, entry.trainedOn,
                entry.trainedSpan?.lowerBound.microseconds, entry.trainedSpan?.upperBound.microseconds, entry.threshold,
                text(.list(entry.features.map { .text(OutsideText($0)) })), entry.featureHash, text(entry.parameters),
                text(.object(entry.metrics.map { JSON.Member($0, .number($1)) })), text(entry.tags), entry.file, entry.checksum,
            ])
    }

    /// The JSON of texts by name.
    static func text(_ texts: Labels) -> String {
        text(.object(texts.map { JSON.Member($0.key, .text(OutsideText($0.value))) }))
    }

    private static func text(_ json: JSON) -> String { String(decoding: json.bytes(), as: UTF8.self) }

    /// The versions that fulfil a condition, by name and then the newest first; a row that cannot be read is left out, as absent.
    static func entries(_ database: Database, _ condition: String, _ arguments: StatementArguments) throws -> [Entry] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT name, version, kind, trained_at, trained_on, trained_from, trained_to, threshold, features, feature_hash,
                    parameters, metrics, tags, file, checksum, (
                        SELECT group_concat(alias, ' ') FROM model_alias a
                        WHERE a.name = model.name AND a.version = model.version)
                FROM model \(condition) ORDER BY name, version DESC
                """, arguments: arguments
        ).compactMap { try? entry($0) }
    }

    private static func entry(_ row: Row) throws -> Entry {
        func texts(_ index: Int) throws -> Labels {
            try JSON(parsing: Array(try row.decode(String.self, atIndex: index).utf8)).labels ?? [:]
        }
        let aliases: String? = try row.decode(atIndex: 15)
        let features = try JSON(parsing: Array(try row.decode(String.self, atIndex: 8).utf8)).list ?? []
        return Entry(
            name: try row.decode(atIndex: 0), version: try row.decode(atIndex: 1),
            aliases: aliases?.utf8.split(separator: UInt8(ascii: " ")).map { String(decoding: Array($0), as: UTF8.self) }.sorted()
                ?? [],
            kind: try row.decode(atIndex: 2), trainedAt: Timestamp(microseconds: try row.decode(atIndex: 3)),
            trainedOn: try row.decode(atIndex: 4), trainedSpan: span(try row.decode(atIndex: 5), try row.decode(atIndex: 6)),
            threshold: try row.decode(atIndex: 7), features: features.compactMap(\.text), featureHash: try row.decode(atIndex: 9),
            parameters: try texts(10),
            metrics: try members(row, 11).compactMapValues { value in
                if case .number(let number) = value { number } else { value.integer.map(Double.init) }
            },
            tags: try texts(12), file: try row.decode(atIndex: 13), checksum: try row.decode(atIndex: 14))
    }

    private static func members(_ row: Row, _ index: Int) throws -> [String: JSON] {
        guard case .object(let members) = try JSON(parsing: Array(try row.decode(String.self, atIndex: index).utf8)) else {
            return [:]
        }
        return Dictionary(members.map { ($0.name.string, $0.value) }) { first, _ in first }
    }

    private static func span(_ first: Int64?, _ last: Int64?) -> ClosedRange<Timestamp>? {
        guard let first, let last, first <= last else { return nil }
        return Timestamp(microseconds: first)...Timestamp(microseconds: last)
    }
}
