import Alerting
import Columns
import Foundation
import Yams

/// The keys that were asked for, and the mistakes, of one document. Used by one task.
///
/// A type stops at its first bad value, so one reading finds one mistake. ``gather(in:_:)`` therefore reads again as if the bad
/// value were not there, and so on, until the rest is good: every mistake is found, and each has one cause. What such a hole
/// leads to (a value that must be given and is now missing, a route to a receiver that could not be read) is not a mistake of its
/// own.
final class DecodingLog {
    typealias Place = [String]

    let file: String
    private(set) var mistakes: [ConfigurationError.Mistake] = []
    let userInfo: [CodingUserInfoKey: Any]

    /// By the place of a mapping: the keys that its type knows. A mapping that is not here was not read as one with fixed keys.
    private var knownKeys: [Place: Set<String>] = [:]
    /// Where a value of a type of its own begins, and where one was read to its end: only then were all its keys asked for.
    private var begun: Set<Place> = [[]], completed: Set<Place> = []
    /// What is read as if it were not there.
    private var holes: Set<Place> = []
    private var secrets: Set<Place> = []

    /// Readings of one document at most: as many mistakes are shown.
    private static let maxReadings = 100

    /// The file whose keys are declared; nil where those that are read are the known ones.
    private let declared: KeySection.File?
    /// By the place of a mapping (``KeySections/place(_:)``), the keys that were asked for.
    private(set) var asked: [String: Set<String>] = [:]

    init(file: String, declared: KeySection.File? = nil, environment: [String: String]) {
        self.declared = declared
        self.file = file
        userInfo = [.environment: environment, .folder: (file as NSString).deletingLastPathComponent]
    }

    /// What `read` gives, once what it refuses is left out; nil when nothing is left. The mistakes are in ``mistakes``.
    func gather<Value>(in root: Node, _ read: () throws -> Value) -> Value? {
        var value: Value?
        for _ in 0..<Self.maxReadings {
            do {
                value = try read()
                completed.insert([])
                break
            } catch {
                let path = note(error, root)
                guard !path.isEmpty, holes.insert(Self.place(path)).inserted else { break }
            }
        }
        noteUnknownKeys(root, [])
        return value
    }

    // MARK: What a decoder tells

    func ask(for key: String, in path: [any CodingKey]) {
        knownKeys[Self.place(path), default: []].insert(key)
        if declared != nil { asked[KeySections.place(path), default: []].insert(key) }
    }

    /// What is declared of the value at `path`.
    func declaration(at path: [any CodingKey]) -> KeyDeclaration? {
        guard let declared, let key = path.last, key.intValue == nil else { return nil }
        return KeySections.section(of: declared, at: path.dropLast())?[key.stringValue]
    }

    /// The keys that the mapping at `path` can have: those that are declared, and those that were asked for; nil where any is
    /// taken.
    private func known(at path: [any CodingKey]) -> Set<String>? {
        guard let asked = knownKeys[Self.place(path)] else { return nil }
        guard let declared, let section = KeySections.section(of: declared, at: path) else { return asked }
        return asked.union(section.keys.map(\.name))
    }

    func allowAnyKey(in path: [any CodingKey]) { knownKeys[Self.place(path)] = nil }

    func isHole(_ path: [any CodingKey]) -> Bool { !holes.isEmpty && holes.contains(Self.place(path)) }

    func begins(_ path: [any CodingKey]) { begun.insert(Self.place(path)) }

    func completes(_ path: [any CodingKey]) { completed.insert(Self.place(path)) }

    // MARK: Secrets

    /// The value at `path` is a secret: it is not shown.
    func hide(_ path: [any CodingKey]) { secrets.insert(Self.place(path)) }

    /// `node` with its secrets replaced; headers may hold one too.
    func masked(_ node: Node, _ path: [any CodingKey]) -> Node {
        if secrets.contains(Self.place(path)) { return "<secret>" }
        switch node {
        case .mapping(let mapping):
            let isHeaders = path.last?.stringValue == "headers" && path.dropLast().last?.stringValue == "http_config"
            return Node(
                mapping.map { key, value in
                    (key, isHeaders ? "<secret>" : masked(value, path + [ConfigurationKey(key.string ?? "")]))
                })
        case .sequence(let items): return Node(items.enumerated().map { masked($1, path + [ConfigurationKey($0)]) })
        default: return node
        }
    }

    /// A value as a mistake shows it. In `token:abc` the colon lacks its blank and the value is a secret: what follows a colon is
    /// left out.
    func shown(_ text: String, at path: [any CodingKey]) -> String {
        guard !secrets.contains(Self.place(path)) else { return "<secret>" }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return "'\(text)'" }
        return "'\(text[..<colon]):…'"
    }

    /// A key as a mistake shows it: up to what no key has, because a value may have come into it.
    static func shownKey(_ key: String) -> String {
        let name = key.utf8.prefix { byte in
            byte >= 0x80 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
        let shown = String(decoding: name.prefix(40), as: UTF8.self)
        return name.count < key.utf8.count && key.utf8[name.endIndex] != UInt8(ascii: ":") || name.count > 40
            ? shown + "…" : shown
    }

    // MARK: Mistakes

    /// Adds what `error` says, unless it follows from a hole.
    ///
    /// - Returns: where the value is that it is about.
    private func note(_ error: any Error, _ root: Node) -> [any CodingKey] {
        let path: [any CodingKey], message: String
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            path = context.codingPath
            message = "\(Self.named(path)) has no '\(key.stringValue)', which must be given"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            path = context.codingPath
            message = context.debugDescription
        case let error as LocatedError:
            path = error.path
            message = String(describing: error.error)
        default:
            path = []
            message = String(describing: error)
        }
        let place = Self.place(path)
        guard !holes.contains(where: { $0.starts(with: place) }) else { return path }
        if let missing = misspelled(path, root) {
            mistakes += missing.mistakes
            return missing.mapping
        }
        mistakes.append(.init(file: file, line: Self.line(of: path, in: root), message: message))
        return path
    }

    /// The unknown keys of the mapping at `path`, or around it when `path` itself is not there, that are nearly a known one which
    /// is missing: then they are what is wrong.
    private func misspelled(
        _ path: [any CodingKey], _ root: Node
    ) -> (mapping: [any CodingKey], mistakes: [ConfigurationError.Mistake])? {
        var around = path
        if Self.node(at: path, in: root) == nil { around = Array(path.dropLast()) }
        guard case .mapping(let mapping)? = Self.node(at: around, in: root), let known = known(at: around) else {
            return nil
        }
        let given = Set(mapping.compactMap { $0.key.string })
        let found = mapping.compactMap { key, _ -> ConfigurationError.Mistake? in
            guard let name = key.string, name != "<<", !known.contains(name),
                let hint = Self.hint(name, among: known.subtracting(given))
            else { return nil }
            return unknown(name, line: key.mark?.line, in: around, hint: hint)
        }
        return found.isEmpty ? nil : (around, found)
    }

    /// What was meant by a key that is not known; nil when it is like none.
    private static func hint(_ name: String, among known: Set<String>) -> String? {
        if let colon = name.utf8.firstIndex(of: UInt8(ascii: ":")), known.contains(String(name[..<colon])) {
            return "write a space after the colon of '\(name[..<colon]):'"
        }
        return Spelling.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
    }

    private func unknown(
        _ name: String, line: Int?, in path: [any CodingKey], hint: String
    ) -> ConfigurationError.Mistake {
        let place = path.isEmpty ? "" : " in \(Self.named(path))"
        return .init(file: file, line: line, message: "unknown key '\(Self.shownKey(name))'\(place); \(hint)")
    }

    private func noteUnknownKeys(_ node: Node, _ path: [any CodingKey]) {
        let here = Self.place(path)
        switch node {
        case .mapping(let mapping):
            let known = isCompleted(here) ? known(at: path) : nil
            for (key, value) in mapping {
                guard let name = key.string, name != "<<" else { continue }
                guard let known, !known.contains(name) else {
                    noteUnknownKeys(value, path + [ConfigurationKey(name)])
                    continue
                }
                let near = Spelling.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
                mistakes.append(
                    unknown(
                        name, line: key.mark?.line, in: path, hint: near ?? "known are \(known.sorted().joined(separator: ", "))")
                )
            }
        case .sequence(let items):
            for (index, item) in items.enumerated() { noteUnknownKeys(item, path + [ConfigurationKey(index)]) }
        default: break
        }
    }

    /// Whether the type that read the mapping at `place` came to its end.
    private func isCompleted(_ place: Place) -> Bool {
        var around = place[...]
        while !begun.contains(Array(around)) { around.removeLast() }
        return completed.contains(Array(around))
    }

    // MARK: Places

    private static func place(_ path: some Sequence<any CodingKey>) -> Place { path.map(\.stringValue) }

    /// `sources[0].name`; in a file that is a list the line says which entry is meant.
    static func named(_ path: [any CodingKey]) -> String {
        guard !path.isEmpty else { return "the file" }
        let path = path[0].intValue == nil ? path[...] : path.dropFirst()
        guard !path.isEmpty else { return "the entry" }
        return path.reduce("") { text, key in
            if let index = key.intValue { return text + "[\(index)]" }
            return text.isEmpty ? key.stringValue : text + "." + key.stringValue
        }
    }

    private static func node(at path: [any CodingKey], in root: Node) -> Node? {
        path.reduce(Optional(root)) { node, key in
            switch node {
            case .sequence(let items): key.intValue.flatMap { $0 < items.count ? items[$0] : nil }
            case .mapping(let mapping): mapping.first { $0.key.string == key.stringValue }?.value
            default: nil
            }
        }
    }

    static func line(of path: [any CodingKey], in root: Node) -> Int? {
        var node = root
        var line = root.mark?.line
        for key in path {
            if let index = key.intValue, case .sequence(let items) = node, index < items.count {
                node = items[index]
                line = node.mark?.line ?? line
            } else if case .mapping(let mapping) = node, let pair = mapping.first(where: { $0.key.string == key.stringValue }) {
                node = pair.value
                line = pair.key.mark?.line ?? line
            } else {
                break
            }
        }
        return line
    }
}
