import Columns

/// A layout that cannot be read back from lines: the part that is the reason, and why.
struct LayoutError: Error, Equatable {
    let part: String
    let reason: String
}

/// Puts a ``LayoutProgram`` together from the parts of a layout, in their order.
struct LayoutBuilder {
    /// A line is matched step by step, each within the one before.
    static let maxFields = 128

    private(set) var program = LayoutProgram()
    private var text: [UInt8] = []
    /// The last field is padded with blanks behind it.
    private var isPadded = false
    /// As the last field is written in the layout.
    private var lastPart = ""

    mutating func literal(_ text: some Sequence<UInt8>) { self.text += text }

    /// Adds a field; `step` makes its step from its place among the fields.
    ///
    /// - Parameters:
    ///   - part: as it is written in the layout, for a message.
    ///   - isRightAligned: blanks may be before it.
    ///   - isLeftAligned: blanks may be behind it.
    mutating func field(
        _ field: LayoutField, part: String, isRightAligned: Bool = false, isLeftAligned: Bool = false,
        _ step: (Int) -> LayoutProgram.Step
    ) throws(LayoutError) {
        guard !program.fields.contains(where: { $0.name == field.name }) else {
            throw LayoutError(part: part, reason: "'\(field.name)' is written twice; leave one out")
        }
        guard program.fields.count < Self.maxFields else {
            throw LayoutError(part: part, reason: "more than \(Self.maxFields) fields cannot be read")
        }
        try endLiteral(before: part, isRightAligned: isRightAligned)
        program.fields.append(field)
        program.steps.append(step(program.fields.count - 1))
        (isPadded, lastPart) = (isLeftAligned, part)
    }

    /// Adds a time or its fraction, which has no column of its own.
    mutating func time(_ step: LayoutProgram.Step, part: String) throws(LayoutError) {
        try endLiteral(before: part, isRightAligned: false)
        program.steps.append(step)
        (isPadded, lastPart) = (false, part)
    }

    /// The program; an open field at its end takes all that is left.
    mutating func finish() throws(LayoutError) -> LayoutProgram {
        // Blanks at the end of a line are lost on many ways, so they cannot be asked for.
        while text.last == UInt8(ascii: " ") { text.removeLast() }
        try endLiteral(before: "", isRightAligned: false)
        guard !program.steps.isEmpty, !program.fields.isEmpty else {
            throw LayoutError(part: "", reason: "it names no field")
        }
        // Otherwise every place in a message would be tried as its end.
        if case .text(let field) = program.steps.last { program.steps[program.steps.count - 1] = .rest(field) }
        return program
    }

    private mutating func endLiteral(before part: String, isRightAligned: Bool) throws(LayoutError) {
        defer { text = [] }
        var bytes = text[...]
        if isPadded {
            let blanks = bytes.prefix { $0 == UInt8(ascii: " ") }.count
            program.steps.append(.blanks(blanks))
            bytes = bytes.dropFirst(blanks)
        }
        var trailing = 0
        if isRightAligned {
            while bytes.last == UInt8(ascii: " ") {
                bytes.removeLast()
                trailing += 1
            }
        }
        if !bytes.isEmpty { program.steps.append(.literal(Array(bytes))) }
        if isRightAligned { program.steps.append(.blanks(trailing)) }
        if text.isEmpty, !part.isEmpty, let last = program.steps.last, last.isOpen {
            throw LayoutError(
                part: "\(lastPart)\(part)", reason: "nothing is between the two that tells where the first one ends")
        }
    }
}
