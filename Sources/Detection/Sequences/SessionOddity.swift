import Columns

/// One thing that is unusual of a session.
struct SessionOddity: Sendable, Equatable {
    /// In what it is unusual, as labels name it.
    enum Kind: String, Sendable, CaseIterable {
        case newEvent = "new event"
        case counts, length
    }

    var kind: Kind
    /// Nil for the length.
    var event: UInt64?
    /// Of the event, or of all events.
    var count: Int
    var usual: ClosedRange<Int>
    /// Whether the same was found of a session long ago: then it may be learned.
    var isRepeated = false

    init(_ kind: Kind, event: UInt64? = nil, count: Int, usual: ClosedRange<Int>) {
        self.kind = kind
        self.event = event
        self.count = count
        self.usual = usual
    }

    var usualText: String {
        usual.lowerBound == usual.upperBound ? "\(usual.lowerBound)" : "\(usual.lowerBound) to \(usual.upperBound)"
    }

    /// As a sentence without its end.
    ///
    /// - Parameter event: what the event is for people.
    func sentence(event: String) -> String {
        switch kind {
        case .newEvent: "no session before had the event '\(event)'"
        case .counts where count == 0: "it lacks the event '\(event)', which each before has had (\(usualText) times)"
        case .counts: "it has the event '\(event)' \(count) times, where \(usualText) are usual"
        case .length: "it has \(count) events, where \(usualText) are usual"
        }
    }

    // MARK: Checkpoints

    func encode(to writer: inout StateWriter) {
        writer.write(byte: UInt8(Kind.allCases.firstIndex(of: kind)!))
        writer.write(event ?? 0)
        for number in [count, usual.lowerBound, usual.upperBound] { writer.write(compact: Int64(number)) }
        writer.write(isRepeated)
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        let number = Int(try reader.byte())
        guard Kind.allCases.indices.contains(number) else { throw StateReader.Damaged() }
        kind = Kind.allCases[number]
        let event = try reader.uint64()
        self.event = event == 0 ? nil : event
        count = try reader.ordinal()
        let least = try reader.ordinal(), most = try reader.ordinal()
        guard least <= most else { throw StateReader.Damaged() }
        usual = least...most
        isRepeated = try reader.bool()
    }
}
