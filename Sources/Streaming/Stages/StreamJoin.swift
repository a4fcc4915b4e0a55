import Columns

/// Rows of two streams put together when they have the same key and their times are near.
///
///     join: { with: stars, on: [user_id], within: 10m }
///
/// A row of the other stream fits when its event time is from `before` before to `within` after that of this one.
struct StreamJoin: Stage {
    static let key = "join"

    enum Kind: String, Sendable, Hashable, CaseIterable, Decodable {
        case inner
        /// A row that finds no other is given with nulls, once the watermark says that none can come.
        case left
    }

    var with: String
    var on: [String]
    var within: Duration
    var before: Duration
    var kind: Kind
    /// Precedes the names of the other stream's columns, so that no two are alike.
    var prefix: String

    init(
        with: String, on: [String], within: Duration, before: Duration = .zero, kind: Kind = .inner, prefix: String? = nil
    ) {
        self.with = with
        self.on = on
        self.within = within
        self.before = before
        self.kind = kind
        self.prefix = prefix ?? with + "_"
    }

    private enum CodingKeys: CodingKey { case with, on, within, before, kind, prefix }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            with: try container.decode(String.self, forKey: .with), on: try container.decode(TextList.self, forKey: .on).texts,
            within: try container.requiredDuration(.within), before: try container.duration(.before) ?? .zero,
            kind: try container.decodeIfPresent(Kind.self, forKey: .kind) ?? .inner,
            prefix: try container.decodeIfPresent(String.self, forKey: .prefix))
    }

    var signature: String {
        "join \(kind.rawValue) \(with) \(on) -\(before.inMicroseconds) +\(within.inMicroseconds) \(prefix)"
    }

    var alsoReads: [String] { [with] }

    func node(
        behind node: PipelineSchemas.Node, in place: StagePlace
    ) throws(DefinitionError) -> PipelineSchemas.Node {
        guard place.isStream else { throw .bad("\(place.name) joins; join in a stream that reads from it") }
        try place.require(on, of: node, "'join'")
        guard !on.isEmpty else { throw .bad("\(place.name): 'join' has no 'on'") }
        guard let other = place.nodes[with] else {
            throw .noStream(with, asked: place.name, known: place.nodes.keys.sorted())
        }
        try place.require(on, of: other, "'join' with '\(with)'")
        for name in on {
            let type = other.schema[name]!.type
            guard type == node.schema[name]!.type else {
                throw .wrongType(
                    column: name, type: type, asked: "\(place.name): 'join' with '\(with)'",
                    wanted: "\(node.schema[name]!.type.rawValue) as in '\(place.name)'")
            }
        }
        var fields = node.schema.fields
        for field in other.schema.fields where !on.contains(field.name) {
            let name = prefix + field.name
            guard !fields.contains(where: { $0.name == name }) else {
                throw .bad("\(place.name): after the join two columns are called '\(name)'; set 'prefix'")
            }
            fields.append(Field(name, field.type, isNullable: field.isNullable || kind == .left))
        }
        var node = node
        node.schema = Schema(fields)
        return node
    }

    func start(_ start: StageStart) -> any RunningStage {
        StreamJoining(self, left: start.before, right: start.nodes[with]!, schema: start.after.schema)
    }
}

extension StreamJoining: RunningStage {
    mutating func run(_ flows: [Flow], in round: inout StageRound) -> [Flow] {
        var built: [Batch] = []
        for flow in flows {
            let (pairs, late) = observe(left: flow.batch, flow.watermarks)
            built += pairs
            round.notes.noteLate(late, of: flow, for: round.name)
        }
        for flow in round.others[join.with] ?? [] {
            let (pairs, late) = observe(right: flow.batch, flow.watermarks)
            built += pairs
            round.notes.noteLate(late, of: flow, for: round.name)
        }
        let reached = min(round.watermark, round.otherWatermarks[join.with] ?? .min)
        built += advance(to: reached)
        round.watermark = max(round.floor, watermark(behind: reached))
        return built.filter { !$0.isEmpty }.map {
            Flow(batch: $0, watermarks: RowWatermarks(rows: nil, floor: round.floor), origins: nil)
        }
    }
}
