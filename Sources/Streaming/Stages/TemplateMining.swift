import Columns
import Foundation
import Templates

/// Adds the template of a message, and writes the table of templates.
///
///     templates: { column: message, as: template_id, text: template, table: web_templates }
///
/// A row without a message, or one that `where` leaves out, has no template. With `drop: true` the message itself goes no
/// further. What becomes of templates goes to the table, the number of rows of each to a window beside it, both committed with
/// the rows. See ``TemplateMiner`` for what an id promises.
struct TemplateMining: Stage {
    static let key = "templates"

    /// The text column that holds the message.
    var column: String
    /// The column that the id goes to.
    var id = "template_id"
    /// The column that the template's text goes to, as it was when the row came; nil for none.
    var text: String?
    /// In the gold layer.
    var table: String
    /// Which rows get a template.
    var filter: [Matcher] = []
    /// Whether the message is taken out of the rows: its template is enough.
    var drop = false

    /// The length of the windows in which rows per template are counted.
    private static let countLength = Duration.seconds(300)

    init(column: String, table: String) {
        self.column = column
        self.table = table
    }

    private enum CodingKeys: String, CodingKey {
        case column, text, table, drop
        case id = "as"
        case filter = "where"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        column = try container.decode(String.self, forKey: .column)
        id = try container.decodeIfPresent(String.self, forKey: .id) ?? id
        text = try container.decodeIfPresent(String.self, forKey: .text)
        table = try container.decode(String.self, forKey: .table)
        filter = try container.decodeIfPresent(String.self, forKey: .filter).map { try [Matcher](parsing: $0) } ?? []
        drop = try container.decodeIfPresent(Bool.self, forKey: .drop) ?? drop
    }

    var signature: String {
        "templates \(column) \(id) \(text ?? "") \(table) \(filter.map(\.description))\(drop ? " drop" : "")"
    }

    var sideTable: SideTable? { SideTable(name: table, schema: TemplateTable.schema) }

    func windows(of node: String) -> [WindowDefinition] {
        [
            WindowDefinition(
                table: TemplateTable.countsName(of: table), from: node, kind: .tumbling(length: Self.countLength), by: [id],
                aggregates: [
                    Aggregate("lines", .count), Aggregate("first_seen", .min, column: "event_time"),
                    Aggregate("last_seen", .max, column: "event_time"),
                ])
        ]
    }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        try place.require([column] + filter.map(\.name), of: node, "'templates'")
        guard node.schema[column]?.type == .text else {
            throw .wrongType(
                column: column, type: node.schema[column]!.type, asked: "\(place.name): 'templates'", wanted: "text")
        }
        guard node.timeColumn == "event_time" else {
            throw .bad("\(place.name): 'templates' reads events; windows have no messages")
        }
        var node = node
        if drop { node.schema = Schema(node.schema.fields.filter { $0.name != column }) }
        for name in [id] + (text.map { [$0] } ?? []) {
            guard node.schema[name] == nil else {
                throw .bad("\(place.name): 'templates' adds '\(name)', which is there already; name another with 'as' or 'text'")
            }
            node.schema = Schema(node.schema.fields + [Field(name, .text, isNullable: true)])
        }
        return node
    }

    func start(_ start: StageStart) -> any RunningStage { Running(stage: self, schema: start.after.schema) }

    private struct Running: RunningStage {
        let stage: TemplateMining
        let schema: Schema
        var miner = TemplateMiner()

        var stateRows: Int { miner.count }

        mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
            flows.map { flow in
                var changes = TemplateTable()
                var changedRows: [Int] = []
                let columns = assign(flow.batch, &changes, &changedRows)
                if changes.count > 0 {
                    let rows = Flow(
                        batch: changes.finish(), watermarks: flow.watermarks.gather(changedRows),
                        origins: flow.origins.map { all in changedRows.map { all[$0] } })
                    round.notes.side.append((stage.table, rows))
                }
                let kept = zip(flow.batch.schema.fields, flow.batch.columns).filter { !stage.drop || $0.0.name != stage.column }
                    .map(\.1)
                return flow.with(Batch(schema: schema, columns: kept + columns))
            }
        }

        /// The new columns of a batch. What becomes of templates is added to `changes`, with the row that caused it.
        private mutating func assign(_ batch: Batch, _ changes: inout TemplateTable, _ changedRows: inout [Int]) -> [Column] {
            var columns = TemplateColumns(hasText: stage.text != nil)
            guard let messages = batch[stage.column], let times = batch["event_time"] else { return [] }
            let wanted = stage.filter.isEmpty ? nil : stage.filter.rows(in: batch)
            for row in 0..<batch.count {
                guard wanted?[row] ?? true, !messages.isNull(at: row) else {
                    columns.appendNull()
                    continue
                }
                let number = messages.withBytes(at: row) { miner.assign($0) }
                if miner.hasChanges {
                    for change in TemplateChange.settled(miner.takeChanges()) {
                        changes.append(change, at: times.integer(at: row) ?? 0)
                        changedRows.append(row)
                    }
                    columns.forget()
                }
                columns.append(number, of: miner)
            }
            return columns.finish()
        }

        func encode(to writer: inout StateWriter) { miner.encode(to: &writer) }
        mutating func decode(from reader: inout StateReader) throws { miner = try TemplateMiner(from: &reader) }
    }
}

/// Builds the columns of ids and texts. Each template is written once per batch, each row is a code.
private struct TemplateColumns {
    private let hasText: Bool
    private var ids = DictionaryBuilder(), texts = DictionaryBuilder()
    /// By the number of a template: its codes.
    private var codes: [UInt32: (id: UInt32, text: UInt32)] = [:]
    /// Of the row before: most logs repeat themselves.
    private var last: (number: UInt32, codes: (id: UInt32, text: UInt32))?

    init(hasText: Bool) { self.hasText = hasText }

    mutating func append(_ number: UInt32, of miner: TemplateMiner) {
        let codes = last?.number == number ? last!.codes : codes(of: number, miner)
        last = (number, codes)
        ids.append(code: codes.id)
        if hasText { texts.append(code: codes.text) }
    }

    private mutating func codes(of number: UInt32, _ miner: TemplateMiner) -> (id: UInt32, text: UInt32) {
        if let known = codes[number] { return known }
        let id = ids.code(utf8: TemplateTable.text(of: miner.id(of: number) ?? 0))
        let bytes = hasText ? miner.text(of: number) ?? [] : []
        codes[number] = (id, hasText ? texts.code(of: bytes.span) : 0)
        return codes[number]!
    }

    mutating func appendNull() {
        ids.appendNull()
        if hasText { texts.appendNull() }
    }

    /// A template has changed: its text is asked for again.
    mutating func forget() {
        codes.removeAll(keepingCapacity: true)
        last = nil
    }

    mutating func finish() -> [Column] { hasText ? [ids.finish(), texts.finish()] : [ids.finish()] }
}
