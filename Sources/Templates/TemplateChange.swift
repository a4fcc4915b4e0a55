/// What became of a template: a row of the table of templates.
public struct TemplateChange: Sendable, Equatable {
    /// The kinds of change; the raw value is the column `change` of ``TemplateTable``.
    public enum Kind: String, Sendable {
        /// A message that fits no known template made it.
        case new
        /// Its text has more `<*>` than before.
        case widened
        /// It turned out to be the same as an older one.
        case merged
        /// It was dropped at the bound of templates; a message like it makes it anew, with the same id.
        case evicted
    }

    /// What happened.
    public let kind: Kind
    /// Of the template.
    public let id: UInt64
    /// Of the template when it changed.
    public let text: [UInt8]
    /// The older template's id, when it was merged.
    public let into: UInt64?

    /// The changes without templates that were new and merged at once: no row carries their ids.
    public static func settled(_ changes: [TemplateChange]) -> [TemplateChange] {
        guard changes.count > 1 else { return changes }
        let new = Set(changes.lazy.filter { $0.kind == .new }.map(\.id))
        let passing = new.intersection(changes.lazy.filter { $0.kind == .merged }.map(\.id))
        var last: [UInt64: Int] = [:]
        for (index, change) in changes.enumerated() where change.kind == .widened { last[change.id] = index }
        return changes.enumerated().filter { index, change in
            !passing.contains(change.id) && (change.kind != .widened || last[change.id] == index)
        }.map(\.element)
    }
}

/// The numbers of merged templates, each with the one that took it in; the oldest is forgotten when there are too many.
struct TemplateAliases: Sendable {
    let capacity: Int
    private(set) var target: [UInt32: UInt32] = [:]
    /// In the order of their merging, as a ring once it is full.
    private var order: [UInt32] = []
    private var next = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func add(_ number: UInt32, into survivor: UInt32) {
        guard capacity > 0 else { return }
        if order.count < capacity {
            order.append(number)
        } else {
            target[order[next]] = nil
            order[next] = number
            next = (next + 1) % capacity
        }
        target[number] = survivor
    }

    /// A survivor is always older than what it took in, so the walk ends; a damaged state is stopped by the bound on steps.
    func resolve(_ number: UInt32) -> UInt32 {
        var current = number
        var steps = 0
        while let into = target[current], steps < 1024 {
            current = into
            steps += 1
        }
        return current
    }

    /// Oldest merge first.
    var inOrder: [(number: UInt32, into: UInt32)] {
        (0..<order.count).compactMap { offset in
            let number = order[(next + offset) % order.count]
            return target[number].map { (number, $0) }
        }
    }
}
