import Columns

/// A line as a store has it.
package protocol LogRecord {
    /// When it was written.
    var time: Timestamp { get }
    /// Its text.
    func text() -> String
    /// The labels of its stream.
    var labels: Labels { get }
    /// The value of one of those labels, or of what else is known without reading the text.
    func value(of name: OutsideText) -> String?
    /// What is known beside the labels.
    var fields: [(name: OutsideText, value: String)] { get }
}

/// A line on its way through the stages of a query.
package struct QueriedLine<Record: LogRecord> {
    /// As the store has it.
    package let record: Record
    private var ownText: String?
    /// What the stages have added, the newest value of each name.
    private var added: [(name: OutsideText, value: String)] = []
    private var dropped: Set<OutsideText> = []
    private var kept: Set<OutsideText>?

    init(_ record: Record) { self.record = record }

    /// The text, as it is now.
    package var text: String {
        mutating get {
            if let ownText { return ownText }
            let text = record.text()
            ownText = text
            return text
        }
    }

    var addedCount: Int { added.count }

    /// The value of a label or a field.
    package func value(of name: OutsideText) -> String? {
        if let known = added.first(where: { $0.name == name }) { return known.value }
        guard isShown(name) else { return nil }
        return record.value(of: name)
    }

    /// The labels of its stream, as far as they are still there.
    package var streamLabels: Labels {
        guard !dropped.isEmpty || kept != nil || !added.isEmpty else { return record.labels }
        return record.labels.filter { label in
            isShown(OutsideText(label.key)) && !added.contains { $0.name == OutsideText(label.key) }
        }
    }

    /// What else the store knows of it, as far as it is still there.
    package var metadata: [(name: OutsideText, value: String)] {
        record.fields.filter { field in isShown(field.name) && !added.contains { $0.name == field.name } }
    }

    /// What the stages have added.
    package var extracted: [(name: OutsideText, value: String)] { added }

    private func isShown(_ name: OutsideText) -> Bool { !dropped.contains(name) && kept?.contains(name) != false }

    // MARK: What stages do

    /// Adds a field that was read from the line. One that the line has already, with another value, is called `…_extracted`.
    mutating func add(_ name: OutsideText, _ value: String) {
        var name = Self.asLabel(name)
        if let known = record.value(of: name) {
            if known.hasSameBytes(as: value) { return }
            name = OutsideText(name.string + "_extracted")
        }
        set(name, value)
    }

    /// Sets a field, whatever it was.
    mutating func set(_ name: OutsideText, _ value: String) {
        if let index = added.firstIndex(where: { $0.name == name }) {
            added[index].value = value
        } else {
            added.append((name, value))
        }
    }

    /// Notes what went wrong, as the fields `__error__` and `__error_details__`.
    mutating func fail(_ kind: String, _ details: String) {
        set("__error__", kind)
        set("__error_details__", details)
    }

    private mutating func remove(_ name: OutsideText) {
        added.removeAll { $0.name == name }
        dropped.insert(name)
    }

    /// A name with only what names of labels may have.
    private static func asLabel(_ name: OutsideText) -> OutsideText {
        let bytes = name.string.utf8
        guard !bytes.allSatisfy({ $0.isWordByte || $0.isDigit }) || bytes.first?.isDigit != false else { return name }
        var kept = bytes.map { $0.isWordByte || $0.isDigit ? $0 : UInt8(ascii: "_") }
        if kept.first?.isDigit != false { kept.insert(UInt8(ascii: "_"), at: 0) }
        return OutsideText(String(decoding: kept, as: UTF8.self))
    }

    /// Takes the line through a stage.
    ///
    /// - Returns: whether it stays.
    mutating func pass(_ stage: LogStage) -> Bool {
        switch stage {
        case .line(let filter): return filter.keeps(text)
        case .extract(let extraction): extraction.extract(into: &self)
        case .fields(let condition): return condition.keeps(&self)
        case .drop(let selections): for selection in selections where isMeant(selection) { remove(selection.name) }
        case .keep(let selections):
            let names = Set(selections.filter(isMeant).map(\.name))
            added.removeAll { !names.contains($0.name) }
            kept = kept.map { $0.intersection(names) } ?? names
        case .set(let assignments):
            for assignment in assignments {
                switch assignment.value {
                case .renamed(let old):
                    guard let value = value(of: old) else { continue }
                    remove(old)
                    set(assignment.name, value)
                case .template(let template): set(assignment.name, template.text(of: &self))
                }
            }
        case .format(let template): ownText = template.text(of: &self)
        }
        return true
    }

    private func isMeant(_ selection: FieldSelection) -> Bool {
        selection.matcher?.matches(value(of: selection.name) ?? "") ?? true
    }
}

extension LogSelector {
    /// A record as a line that has passed the stages; nil when one of them leaves it out. Whether the matchers hold is not asked.
    package func line<Record: LogRecord>(of record: Record) -> QueriedLine<Record>? {
        var line = QueriedLine(record)
        for stage in stages where !line.pass(stage) { return nil }
        return line
    }
}
