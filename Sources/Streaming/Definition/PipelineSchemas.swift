import Columns
import Lake
import Parsing

/// The columns of everything that a pipeline makes, worked out before anything runs: the place where a definition's mistakes
/// are found.
public struct PipelineSchemas: Sendable {
    /// What streams and windows can read from.
    struct Node: Sendable {
        /// The columns of its rows.
        var schema: Schema
        /// The column that holds the event time.
        var timeColumn: String
    }

    /// One stream or window, in an order in which each comes after what it reads from.
    enum Member: Sendable {
        case stream(Int)
        case window(Int)
    }

    /// By the name of an input, stream or table of windows.
    let nodes: [String: Node]
    let order: [Member]

    /// - Throws: ``DefinitionError`` for the first thing that cannot be, or ``FormatError``.
    public init(_ definition: PipelineDefinition) throws {
        var place: DefinitionPlace?
        try self.init(definition, noting: &place)
    }

    /// The same; when it throws, `place` says which part of the definition is wrong, nil when it is all of the definition.
    public init(_ definition: PipelineDefinition, noting place: inout DefinitionPlace?) throws {
        guard !definition.inputs.isEmpty else { throw DefinitionError.bad("pipeline '\(definition.name)' has no input") }
        var building = Building(definition)
        defer { place = building.place }
        for index in definition.inputs.indices { try building.add(input: index) }
        var waiting: [Member] = definition.streams.indices.map(Member.stream) + definition.windows.indices.map(Member.window)
        while !waiting.isEmpty {
            let left = try waiting.filter { try !building.add($0) }
            guard left.count < waiting.count else { throw building.lack(of: left[0]) }
            waiting = left
        }
        nodes = building.nodes
        order = building.order
    }

    /// The columns of an input, of a stream, or of a table of windows; nil when nothing has that name.
    public func schema(of name: String) -> Schema? { nodes[name]?.schema }

    /// What is known while one part of a definition after another is added.
    private struct Building {
        let definition: PipelineDefinition
        /// The part that is being added.
        var place: DefinitionPlace?
        var nodes: [String: Node] = [:]
        var order: [Member] = []
        /// Of streams and windows.
        var tables: Set<String> = []

        init(_ definition: PipelineDefinition) { self.definition = definition }

        mutating func add(input index: Int) throws {
            let input = definition.inputs[index]
            place = .input(index)
            try checkName(input.name, "input")
            try checkName(input.table, "table of input '\(input.name)'")
            guard nodes[input.name] == nil else { throw DefinitionError.twice(input.name) }
            let format = try LogFormats.make(input.format, context: ParsingContext(), options: input.options)
            guard format.schema["event_time"]?.type == .timestamp, format.schema["event_time"]?.isNullable == false else {
                throw DefinitionError.bad("the format '\(input.format)' of input '\(input.name)' has no 'event_time'")
            }
            var node = Node(schema: format.schema, timeColumn: "event_time")
            for (number, step) in input.steps.enumerated() {
                place = .input(index, step: number)
                node = try step.stage.node(
                    behind: node, in: StagePlace(name: "input '\(input.name)'", isStream: false, nodes: nodes))
                try add(step.stage.sideTable)
            }
            nodes[input.name] = node
        }

        /// Adds a stream or window; false when something that it reads from is not known yet.
        mutating func add(_ member: Member) throws -> Bool {
            guard missing(for: member) == nil else { return false }
            switch member {
            case .stream(let index): try add(stream: index)
            case .window(let index): try add(window: index)
            }
            order.append(member)
            return true
        }

        private mutating func add(stream index: Int) throws {
            let stream = definition.streams[index]
            place = .stream(index)
            try checkName(stream.name, "stream")
            guard nodes[stream.name] == nil else { throw DefinitionError.twice(stream.name) }
            var node = nodes[stream.from]!
            for (number, step) in stream.steps.enumerated() {
                place = .stream(index, step: number)
                node = try step.stage.node(
                    behind: node, in: StagePlace(name: "stream '\(stream.name)'", isStream: true, nodes: nodes))
                try add(step.stage.sideTable)
            }
            place = .stream(index)
            if let table = stream.table {
                try checkName(table, "table of stream '\(stream.name)'")
                guard tables.insert(table).inserted else { throw DefinitionError.twice(table) }
            }
            nodes[stream.name] = node
        }

        private mutating func add(_ side: SideTable?) throws {
            guard let side else { return }
            try checkName(side.name, "table of a step")
            guard tables.insert(side.name).inserted, nodes[side.name] == nil else { throw DefinitionError.twice(side.name) }
            nodes[side.name] = Node(schema: side.schema, timeColumn: "event_time")
        }

        private mutating func add(window index: Int) throws {
            let window = definition.windows[index]
            place = .window(index)
            try checkName(window.table, "table of a window")
            guard tables.insert(window.table).inserted, nodes[window.table] == nil else {
                throw DefinitionError.twice(window.table)
            }
            try checkShape(window)
            let input = nodes[window.from ?? definition.inputs[0].name]!
            if let bad = window.aggregates.firstIndex(where: { !$0.isPossible(in: input.schema) }) {
                place = .window(index, aggregate: bad)
            }
            var isSession = false
            if case .session = window.kind { isSession = true }
            nodes[window.table] = Node(
                schema: try window.schema(of: input.schema), timeColumn: isSession ? "window_end" : "window_start")
        }

        /// The first name that a stream or window reads from and that is not known yet.
        private func missing(for member: Member) -> String? {
            switch member {
            case .stream(let index): sources(of: definition.streams[index]).first { nodes[$0] == nil }
            case .window(let index):
                [definition.windows[index].from ?? definition.inputs[0].name].first { nodes[$0] == nil }
            }
        }

        /// The error of a stream or window that reads from something that does not exist.
        mutating func lack(of member: Member) -> DefinitionError {
            let asked: String
            switch member {
            case .stream(let index):
                place = .stream(index)
                asked = "stream '\(definition.streams[index].name)'"
            case .window(let index):
                place = .window(index)
                asked = "window '\(definition.windows[index].table)'"
            }
            return .noStream(missing(for: member) ?? "", asked: asked, known: nodes.keys.sorted())
        }
    }

    private static func sources(of stream: StreamDefinition) -> [String] {
        [stream.from] + stream.steps.flatMap(\.stage.alsoReads)
    }

    static func checkName(_ name: String, _ what: String) throws(DefinitionError) {
        guard Lake.isName(name), name.utf8.count <= 64 else {
            throw .bad("the \(what) is called '\(name)'; write letters, digits, '_' and '-', at most 64")
        }
    }

    private static func checkShape(_ window: WindowDefinition) throws(DefinitionError) {
        switch window.kind {
        case .tumbling(let length):
            guard length >= .milliseconds(1) else { throw .bad("window '\(window.table)': 'length' is not above 0") }
        case .hopping(let length, let slide):
            guard slide >= .milliseconds(1), length >= slide else {
                throw .bad("window '\(window.table)': 'slide' is not above 0 and at most 'length'")
            }
            guard length.inMicroseconds / slide.inMicroseconds <= 1000 else {
                throw .bad("window '\(window.table)': a row would be in more than 1000 windows; make 'slide' longer")
            }
        case .session(let gap):
            guard gap >= .milliseconds(1) else { throw .bad("window '\(window.table)': 'gap' is not above 0") }
        }
    }
}

/// The part of a definition that a mistake is in, by its place in the lists of the definition.
public enum DefinitionPlace: Sendable, Equatable {
    case input(Int, step: Int? = nil)
    case stream(Int, step: Int? = nil)
    case window(Int, aggregate: Int? = nil)
}
