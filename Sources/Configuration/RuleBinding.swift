import Columns
import Detection
import Streaming

/// Which pipelines a rule looks at, and what keeps it from looking at any.
///
/// A rule that names a pipeline looks at that one; another one looks at each pipeline that has its table and columns. A rule
/// whose table or column is nowhere would never find anything and look as if all were well, so it is a mistake.
struct RuleBinding {
    /// What rules can look at in one pipeline.
    private struct Rows {
        let pipeline: String
        /// Of each input, as it is in silver.
        let inputs: [(name: String, columns: Set<String>)]
        /// By gold table.
        let tables: [String: Set<String>]

        init(_ definition: PipelineDefinition, _ schemas: PipelineSchemas) {
            func columns(_ node: String) -> Set<String> { Set(schemas.schema(of: node)?.fields.map(\.name) ?? []) }
            pipeline = definition.name
            inputs = definition.inputs.map { ($0.name, columns($0.name)) }
            // Rows of windows get the time at which they are known.
            let windows = definition.windows.map { ($0.table, columns($0.table).union(["event_time"])) }
            let streams = definition.streams.compactMap { stream in stream.table.map { ($0, columns(stream.name)) } }
            let sides = definition.sideTables.map { ($0, columns($0)) }
            tables = Dictionary(windows + streams + sides) { first, _ in first }
        }
    }

    /// A sentence about the value under a key of the rule.
    struct Problem: Equatable {
        let key: String
        let message: String
    }

    private let rows: [Rows]

    /// - Throws: what ``PipelineSchemas`` refuses.
    init(_ pipelines: [PipelineDefinition]) throws {
        rows = try pipelines.map { Rows($0, try PipelineSchemas($0)) }
    }

    /// The names of the pipelines that `rule` looks at, in their order.
    func pipelines(of rule: any DetectorSettings) -> [String] {
        rows.filter { (rule.pipeline ?? $0.pipeline) == $0.pipeline && Self.problem(of: rule, in: $0) == nil }.map(\.pipeline)
    }

    /// Why no pipeline has what `rule` looks at; nil when one does.
    func problem(of rule: any DetectorSettings) -> Problem? {
        guard pipelines(of: rule).isEmpty else { return nil }
        guard !rows.isEmpty else {
            return Problem(
                key: "name",
                message: "there is no pipeline that the rule '\(rule.name)' could look at; name one under 'pipelines'"
            )
        }
        var near = rows
        if let pipeline = rule.pipeline {
            near = rows.filter { $0.pipeline == pipeline }
            guard !near.isEmpty else {
                let known = rows.map(\.pipeline).joined(separator: ", ")
                return Problem(
                    key: "pipeline",
                    message: "the rule '\(rule.name)' is for the pipeline '\(pipeline)', which is not defined; defined: \(known)")
            }
        }
        if case .table(let table) = rule.rows {
            near = near.filter { $0.tables[table] != nil }
            guard !near.isEmpty else { return noTable(table, rule) }
        }
        // Of several the one that lacks least is the one that was meant.
        let problems = near.compactMap { Self.problem(of: rule, in: $0) }
        return problems.min { $0.missing < $1.missing }?.problem
    }

    private func noTable(_ table: String, _ rule: any DetectorSettings) -> Problem {
        let asked = rows.filter { (rule.pipeline ?? $0.pipeline) == $0.pipeline }
        let known = asked.flatMap { $0.tables.keys }.sorted()
        let whose = rule.pipeline.map { "the pipeline '\($0)' does not have" } ?? "no pipeline has"
        let hint = Spelling.nearest(to: table, among: known).map { "did you mean '\($0)'?" }
        return Problem(
            key: "table",
            message: "the rule '\(rule.name)' looks at the gold table '\(table)', which \(whose); "
                + (hint ?? (known.isEmpty ? "there is none" : "its gold tables: \(known.joined(separator: ", "))")))
    }

    /// What `rule` names that is not there, and how much that is.
    private static func problem(of rule: any DetectorSettings, in rows: Rows) -> (missing: Int, problem: Problem)? {
        switch rule.rows {
        // What labels findings have is known when they are found.
        case .findings: return nil
        case .table(let table):
            guard let columns = rows.tables[table] else {
                return (.max, Problem(key: "table", message: "there is no table '\(table)'"))
            }
            return problem(of: rule, in: [columns], "gold table '\(table)'", rows.pipeline)
        case .events:
            let place = rows.inputs.count == 1 ? "silver table" : "inputs (\(rows.inputs.map(\.name).joined(separator: ", ")))"
            return problem(of: rule, in: rows.inputs.map(\.columns), place, rows.pipeline)
        }
    }

    /// - Parameter choices: the columns of each kind of rows. All that one requirement of the rule names must be in one of them;
    ///   another requirement may be met by another.
    private static func problem(
        of rule: any DetectorSettings, in choices: [Set<String>], _ place: String, _ pipeline: String
    ) -> (missing: Int, problem: Problem)? {
        var missing = 0
        var first: (key: String, column: String)?
        for requirement in rule.requirements {
            let needed = Set(requirement.columns.flatMap(\.columns))
            guard let best = choices.min(by: { needed.subtracting($0).count < needed.subtracting($1).count }) else { return nil }
            missing += needed.subtracting(best).count
            for (key, columns) in requirement.columns where first == nil {
                first = columns.first { !best.contains($0) }.map { (key, $0) }
            }
        }
        guard let (key, column) = first else { return nil }
        let known = choices.reduce(Set()) { $0.union($1) }.sorted()
        let hint = Spelling.nearest(to: column, among: known).map { "did you mean '\($0)'?" }
        let lacks = choices.count == 1 || place.hasPrefix("gold") ? "does" : "do"
        return (
            missing,
            Problem(
                key: key,
                message:
                    "'\(key)' of the rule '\(rule.name)' names the column '\(column)', which the \(place) of the pipeline "
                    + "'\(pipeline)' "
                    + "\(lacks) not have; \(hint ?? "columns: \(known.joined(separator: ", "))")")
        )
    }
}
