import Columns

/// Columns that are looked up in a file: JSON Lines, a JSON array of objects, or CSV with headings. It is read again when it
/// changes.
///
///     lookup: { file: vip.json, on: [user_id], columns: [tier], kind: inner }
struct ReferenceLookup: Stage {
    static let key = "lookup"

    /// Beside the pipeline's file, if the path is not absolute.
    var file: String
    /// Columns that both have; the first entry with the same values counts.
    var on: [String]
    /// Columns of the file that are added, as text.
    var columns: [String]
    /// Inner keeps only rows that are found; left gives nulls for others.
    var kind: StreamJoin.Kind

    init(file: String, on: [String], columns: [String], kind: StreamJoin.Kind = .left) {
        self.file = file
        self.on = on
        self.columns = columns
        self.kind = kind
    }

    private enum CodingKeys: CodingKey { case file, on, columns, kind }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            file: try container.decode(String.self, forKey: .file), on: try container.decode(TextList.self, forKey: .on).texts,
            columns: try container.decodeIfPresent([String].self, forKey: .columns) ?? [],
            kind: try container.decodeIfPresent(StreamJoin.Kind.self, forKey: .kind) ?? .left)
    }

    var signature: String { "lookup \(kind.rawValue) \(file) \(on) \(columns)" }

    func resolvingFiles(in folder: String) -> ReferenceLookup {
        guard !file.utf8.starts(with: "/".utf8), !folder.isEmpty else { return self }
        var resolved = self
        resolved.file = folder + "/" + file
        return resolved
    }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        try place.require(on, of: node, "'lookup'")
        guard !on.isEmpty else { throw .bad("\(place.name): 'lookup' has no 'on'") }
        var node = node
        for name in columns {
            guard node.schema[name] == nil else {
                throw .bad("\(place.name): 'lookup' adds '\(name)', which is there already")
            }
            node.schema = Schema(node.schema.fields + [Field(name, .text, isNullable: true)])
        }
        return node
    }

    func start(_ start: StageStart) throws -> any RunningStage {
        Running(
            table: try ReferenceTable(self, gauges: start.metrics.references, logger: start.logger),
            keepsOnlyFound: kind == .inner, schema: start.after.schema)
    }

    private struct Running: RunningStage {
        let table: ReferenceTable
        let keepsOnlyFound: Bool
        let schema: Schema

        mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
            if !flows.isEmpty { table.refresh() }
            return flows.map { look(up: $0, &round.notes) }
        }

        private func look(up flow: Flow, _ notes: inout RoundNotes) -> Flow {
            var found = table.find(flow.batch)
            var flow = flow
            if keepsOnlyFound, found.contains(where: { $0 == nil }) {
                let kept = found.indices.filter { found[$0] != nil }
                notes.filtered += found.count - kept.count
                flow = flow.gather(kept)
                found = kept.map { found[$0] }
            }
            let added = (flow.batch.schema.count..<schema.count).enumerated().map { position, _ in
                var builder = DictionaryBuilder()
                for row in found {
                    if let text = row?[position] { builder.append(utf8: text) } else { builder.appendNull() }
                }
                return builder.finish()
            }
            return flow.with(Batch(schema: schema, columns: flow.batch.columns + added))
        }
    }
}
