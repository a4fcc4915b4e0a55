import Columns

/// The slots of the aggregates of one window definition, given out to groups and taken back when their window closes.
struct GroupSlots {
    let aggregates: [Aggregate]
    let states: [any AggregateState]
    private var free: [Int32] = []
    private var made = 0

    /// - Parameter input: the schema of the rows.
    init(_ aggregates: [Aggregate], input: Schema) {
        self.aggregates = aggregates
        states = aggregates.map { aggregate in aggregate.makeState(aggregate.column.flatMap { input[$0]?.type }) }
    }

    /// How many are given out.
    var inUse: Int { made - free.count }

    mutating func take() -> Int32 {
        if let slot = free.popLast() { return slot }
        if made & (made - 1) == 0 || made == 0 {
            let count = max(16, made * 2)
            for state in states { state.grow(to: count) }
        }
        made += 1
        return Int32(made - 1)
    }

    mutating func give(back slot: Int32) {
        for state in states { state.reset(Int(slot)) }
        free.append(slot)
    }

    func inputs(_ batch: Batch, times: Column) -> [AggregateInput] { aggregates.map { AggregateInput($0, batch, times: times) } }

    func update(_ rows: [Int32], slots: [Int32], _ inputs: [AggregateInput]) {
        for index in states.indices { states[index].update(rows, slots: slots, inputs[index]) }
    }

    func merge(_ slot: Int32, into target: Int32) { for state in states { state.merge(Int(slot), into: Int(target)) } }

    func encode(_ slot: Int32, to writer: inout StateWriter) { for state in states { state.encode(Int(slot), to: &writer) } }

    mutating func decode(from reader: inout StateReader) throws -> Int32 {
        let slot = take()
        for state in states { try state.decode(Int(slot), from: &reader) }
        return slot
    }
}

/// Builds the rows of closed windows.
struct ClosedWindows {
    private let schema: Schema
    private let groupFields: ArraySlice<Field>
    private var builders: [ColumnBuilder]
    private(set) var count = 0

    init(_ definition: WindowDefinition, schema: Schema) {
        self.schema = schema
        groupFields = schema.fields[2..<(2 + definition.by.count)]
        builders = schema.fields.map(ColumnBuilder.init)
    }

    mutating func append(start: Int64, end: Int64, key: [UInt8], _ slots: GroupSlots, _ slot: Int32) {
        _ = builders[0].append(.timestamp(Timestamp(microseconds: start)))
        _ = builders[1].append(.timestamp(Timestamp(microseconds: end)))
        var index = 2
        for value in GroupCodes.values(of: key, groupFields) {
            _ = builders[index].append(value)
            index += 1
        }
        let seconds = Double(end - start) / 1e6
        for state in slots.states {
            _ = builders[index].append(state.value(Int(slot), seconds: seconds))
            index += 1
        }
        count += 1
    }

    mutating func finish() -> Batch { Batch(schema: schema, columns: builders.indices.map { builders[$0].finish() }) }
}
