import Columns

/// A named claim about the rows of a pipeline, and what is to happen where it does not hold.
///
///     expect: { name: known_status, in_set: { column: status, values: ["200", "404"] }, action: drop }
struct Expectation: Stage {
    static let key = "expect"

    enum Action: String, Sendable, Hashable, CaseIterable, Decodable {
        /// The row stays; it is counted.
        case warn
        /// The row goes to quarantine with the reason `expectation`. A claim about an epoch as a whole cannot drop.
        case drop
        /// The epoch is not committed, and the pipeline stops with a sentence.
        case fail
    }

    enum Check: Sendable, Hashable {
        case notNull(column: String)
        /// A number or nil for an open end; both ends belong to it.
        case range(column: String, from: Double?, to: Double?)
        case inSet(column: String, values: [String])
        /// The whole value matches.
        case matches(column: String, pattern: String)
        /// The same values came before within so much event time.
        case uniqueInWindow(columns: [String], within: Duration)
        /// The event is not older than this when it arrives.
        case freshWithin(Duration)
        /// How many rows an epoch (a batch run, a commit of a stream) has.
        case rowCount(from: Int?, to: Int?)
        /// As many rows, as fresh and with as many nulls and different values as at the same hour of other weeks.
        case usual(UsualExpectation)
    }

    var name: String
    var check: Check
    var action: Action

    init(_ name: String, _ check: Check, action: Action = .warn) {
        self.name = name
        self.check = check
        self.action = action
    }

    var signature: String {
        if case .usual(let usual) = check { return "expect \(name) usual \(usual.signature)" }
        return "expect \(name) \(check) \(action.rawValue)"
    }

    /// Of what `expect: usual` means, without a name.
    static let usual = Expectation("usual", .usual(UsualExpectation()))

    func node(behind node: PipelineSchemas.Node, in place: StagePlace) throws(DefinitionError) -> PipelineSchemas.Node {
        let asked = "\(place.name): expectation '\(name)'"
        try PipelineSchemas.checkName(name, "expectation")
        func type(_ column: String) throws(DefinitionError) -> ColumnType {
            guard let type = node.schema[column]?.type else {
                throw .noColumn(column, asked: asked, known: node.schema.fields.map(\.name))
            }
            return type
        }
        switch check {
        case .notNull(let column), .inSet(let column, _): _ = try type(column)
        case .range(let column, let from, let to):
            let found = try type(column)
            guard [.int32, .int64, .float, .double].contains(found) else {
                throw .wrongType(column: column, type: found, asked: asked, wanted: "a number")
            }
            guard from != nil || to != nil, from ?? -.infinity <= to ?? .infinity else {
                throw .bad("\(asked) has no range: give 'from', 'to' or both")
            }
        case .matches(let column, let pattern):
            _ = try type(column)
            do { _ = try RegularExpression(pattern) } catch { throw .bad("\(asked): \(error)") }
        case .uniqueInWindow(let columns, let within):
            for column in columns { _ = try type(column) }
            guard !columns.isEmpty, within > .zero else { throw .bad("\(asked) needs 'columns' and 'within'") }
        case .freshWithin(let age):
            guard age > .zero else { throw .bad("\(asked): the age is not above 0") }
        case .rowCount(let from, let to):
            guard from != nil || to != nil, from ?? 0 <= to ?? .max else {
                throw .bad("\(asked) has no bounds: give 'from', 'to' or both")
            }
            guard action != .drop else {
                throw .bad("\(asked) is about an epoch as a whole; its action is warn or fail")
            }
        case .usual(let usual): try usual.check(node.schema, asked: asked, action: action)
        }
        return node
    }

    func start(_ start: StageStart) -> any RunningStage {
        if case .usual(let usual) = check { return RunningUsualExpectation(usual, name: name, start) }
        return RunningExpectation(
            ExpectationCheck(self, timeColumn: start.before.timeColumn), pipeline: start.pipeline, metrics: start.metrics)
    }
}
