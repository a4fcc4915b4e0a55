import Columns

/// What events are for people, by the hash of their ids. Beyond a bound a new one has no text.
struct EventTexts: Sendable {
    private static let maxEvents = 8192
    /// Bytes of a text that are kept.
    private static let maxText = 160

    private var texts: [UInt64: [UInt8]] = [:]

    init() {}

    /// Whether there is nothing to remember of an event.
    func knows(_ event: UInt64) -> Bool { texts[event] != nil || texts.count >= Self.maxEvents }

    mutating func remember(_ event: UInt64, _ text: [UInt8]) { texts[event] = Array(text.prefix(Self.maxText)) }

    /// The text for people.
    subscript(event: UInt64) -> String { texts[event].map { String(decoding: $0, as: UTF8.self) } ?? "?" }

    func encode(to writer: inout StateWriter) {
        writer.write(texts.count)
        for (event, text) in texts.sorted(by: { $0.key < $1.key }) {
            writer.write(event)
            writer.write(text)
        }
    }

    init(from reader: inout StateReader) throws(StateReader.Damaged) {
        for _ in 0..<(try reader.count()) {
            let event = try reader.uint64()
            texts[event] = try reader.array()
        }
    }
}
