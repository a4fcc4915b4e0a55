import Alerting
import Foundation
import Yams

/// One YAML file, decoded into the plain configuration values that the rooms declare.
///
/// Yams' own decoder neither knows the line of a value nor notices a key that nobody reads. This one does both for any `Decodable` type:
/// it notes which keys the type asks for, and what is left over in the file is an unknown key, with its line and the nearest known one.
struct YAMLDocument {
    let file: String
    private let root: Node?

    /// - Throws: ``ConfigurationError`` when `text` is no YAML, or holds a key twice.
    init(_ text: String, file: String) throws(ConfigurationError) {
        self.file = file
        guard text.utf8.count <= Self.maxLength else {
            throw ConfigurationError([
                .init(
                    file: file, line: nil, message: "has \(text.utf8.count) bytes; a configuration has at most \(Self.maxLength)")
            ])
        }
        do {
            try Self.requireShallow(text, file: file)
            root = try Yams.compose(yaml: text)
            // An alias stands for all that its anchor holds: a few lines of aliases to aliases are more values than there is time for.
            var left = Self.maxValues
            guard root.map({ Self.count($0, &left) }) ?? true else {
                throw ConfigurationError([
                    .init(
                        file: file, line: nil, message: "has more than \(Self.maxValues) values when its aliases are put in place"
                    )
                ])
            }
        } catch let error as ConfigurationError {
            throw error
        } catch let error as YamlError {
            throw ConfigurationError([Self.mistake(error, file: file)])
        } catch {
            throw ConfigurationError([.init(file: file, line: nil, message: "cannot be read as YAML: \(error)")])
        }
    }

    /// The keys of the outermost mapping.
    var topLevelKeys: Set<String> {
        guard case .mapping(let mapping) = root else { return [] }
        return Set(mapping.compactMap { $0.key.string })
    }

    static let maxLength = 4 << 20
    static let maxValues = 200_000
    static let maxDepth = 200

    /// Refuses what is nested so deep that reading it would end the process: the library reads by recursion.
    private static func requireShallow(_ text: String, file: String) throws(ConfigurationError) {
        var depth = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            default: continue
            }
            if depth > maxDepth { throw tooDeep(file) }
        }
        // In block style each level is two bytes wide at least, or a dash and a blank.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let lead = line.prefix {
                $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: ":")
            }
            if lead.count > 2 * maxDepth { throw tooDeep(file) }
        }
    }

    private static func tooDeep(_ file: String) -> ConfigurationError {
        ConfigurationError([
            .init(file: file, line: nil, message: "is nested more than \(maxDepth) deep, or has a line indented so far")
        ])
    }

    /// Whether `node` has no more values than `left`.
    private static func count(_ node: Node, _ left: inout Int) -> Bool {
        left -= 1
        guard left >= 0 else { return false }
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping where !count(key, &left) || !count(value, &left) { return false }
        case .sequence(let items):
            for item in items where !count(item, &left) { return false }
        default: break
        }
        return true
    }

    /// Decodes the whole document; an empty one reads as an empty mapping, which gives every default.
    ///
    /// - Throws: ``ConfigurationError`` with every unknown key and the first value in each section that does not fit.
    ///
    /// - Parameter environment: what `${NAME}` in secrets may name.
    func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> Value {
        let context = DecodingLog(file: file, environment: environment)
        let node = root ?? Node.mapping(.init([]))
        var decoded: Value?
        do {
            decoded = try Value(from: NodeDecoder(node: node, path: [], log: context))
        } catch {
            context.note(error, root: node)
        }
        // Keys of a part that could not be decoded were not all asked for: they would be reported as unknown by mistake.
        context.noteUnknownKeys(in: node)
        guard context.mistakes.isEmpty, let decoded else { throw ConfigurationError(context.mistakes) }
        return decoded
    }

    /// What is wrong with the value at `path`, such as `["sources", 2, "pipeline"]`: found when all is read, and shown at its line.
    func mistake(_ message: String, at path: NodeKey...) -> ConfigurationError.Mistake {
        .init(file: file, line: root.flatMap { DecodingLog.line(of: path, in: $0) }, message: message)
    }

    /// The document as YAML, with `<secret>` where ``Value`` has a secret.
    ///
    /// - Throws: ``ConfigurationError`` when it cannot be decoded.
    func shown<Value: Decodable>(
        as type: Value.Type = Value.self, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> String {
        guard let root else { return "" }
        let context = DecodingLog(file: file, environment: environment)
        do { _ = try Value(from: NodeDecoder(node: root, path: [], log: context)) } catch {
            context.note(error, root: root)
            throw ConfigurationError(context.mistakes)
        }
        do {
            return try Yams.serialize(node: context.masked(root, []))
        } catch {
            throw ConfigurationError([.init(file: file, line: nil, message: "cannot be shown as YAML: \(error)")])
        }
    }

    private static func mistake(_ error: YamlError, file: String) -> ConfigurationError.Mistake {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            .init(file: file, line: mark.line, message: "this is no valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            .init(
                file: file, line: context.mark.line,
                message: "the key '\(duplicates.sorted().joined(separator: "', '"))' stands here twice")
        case .reader(let problem, _, _, _):
            .init(file: file, line: nil, message: "this is no text that YAML may hold: \(problem)")
        default:
            .init(file: file, line: nil, message: "cannot be read as YAML: \(error)")
        }
    }
}

/// The keys that were asked for, and the mistakes, of one decoding. Used by one task.
final class DecodingLog {
    let file: String
    private(set) var mistakes: [ConfigurationError.Mistake] = []
    /// By the path of a mapping: the keys that its type knows. A mapping that is not here was not read as one with fixed keys.
    private var knownKeys: [String: Set<String>] = [:]
    private var failedPaths: [String] = []

    let userInfo: [CodingUserInfoKey: Any]

    init(file: String, environment: [String: String]) {
        self.file = file
        userInfo = [.environment: environment, .folder: (file as NSString).deletingLastPathComponent]
    }

    func ask(for key: String, in path: [any CodingKey]) {
        knownKeys[Self.text(path), default: []].insert(key)
    }

    private var secretPaths: Set<String> = []

    /// The value at `path` is a secret: it is not shown.
    func hide(_ path: [any CodingKey]) { secretPaths.insert(Self.text(path)) }

    /// `node` with its secrets replaced; headers may hold one too.
    func masked(_ node: Node, _ path: [any CodingKey]) -> Node {
        if secretPaths.contains(Self.text(path)) { return "<secret>" }
        switch node {
        case .mapping(let mapping):
            let isHeaders = path.last?.stringValue == "headers" && path.dropLast().last?.stringValue == "http_config"
            return Node(
                mapping.map { key, value in
                    (key, isHeaders ? "<secret>" : masked(value, path + [NodeKey(key.string ?? "")]))
                })
        case .sequence(let items): return Node(items.enumerated().map { masked($1, path + [NodeKey($0)]) })
        default: return node
        }
    }

    func allowAnyKey(in path: [any CodingKey]) {
        knownKeys[Self.text(path)] = nil
    }

    func note(_ error: any Error, root: Node) {
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            failedPaths.append(Self.text(context.codingPath))
            add(context.codingPath, root, "\(Self.named(context.codingPath)) has no '\(key.stringValue)', which must be given")
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            add(context.codingPath, root, context.debugDescription)
        case let error as LocatedError: add(error.path, root, String(describing: error.error))
        default: add([], root, String(describing: error))
        }
    }

    private func add(_ path: [any CodingKey], _ root: Node, _ message: String) {
        failedPaths.append(Self.text(path.dropLast()))
        mistakes.append(.init(file: file, line: Self.line(of: path, in: root), message: message))
    }

    func noteUnknownKeys(in root: Node) {
        walk(root, [])
    }

    private func walk(_ node: Node, _ path: [any CodingKey]) {
        let here = Self.text(path)
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard let name = key.string, name != "<<" else { continue }
                if let known = knownKeys[here], !known.contains(name),
                    !failedPaths.contains(where: { $0 == here || $0.hasPrefix(here + ".") || here.isEmpty })
                {
                    let near = Spelling.nearest(to: name, among: known)
                    let place = path.isEmpty ? "" : " in \(Self.named(path))"
                    let hint = near.map { "; did you mean '\($0)'?" } ?? "; known are \(known.sorted().joined(separator: ", "))"
                    mistakes.append(.init(file: file, line: key.mark?.line, message: "unknown key '\(name)'\(place)\(hint)"))
                } else {
                    walk(value, path + [NodeKey(name)])
                }
            }
        case .sequence(let items):
            for (index, item) in items.enumerated() { walk(item, path + [NodeKey(index)]) }
        default: break
        }
    }

    static func text(_ path: some Sequence<any CodingKey>) -> String {
        path.map(\.stringValue).joined(separator: ".")
    }

    static func named(_ path: [any CodingKey]) -> String {
        guard !path.isEmpty else { return "the file" }
        return path.reduce("") { text, key in
            if let index = key.intValue { return text + "[\(index)]" }
            return text.isEmpty ? key.stringValue : text + "." + key.stringValue
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

/// The nearest of the names that one could have meant.
enum Spelling {
    /// A name at most a third of the letters away (Levenshtein distance), or nil.
    static func nearest(to name: String, among known: some Sequence<String>) -> String? {
        known.map { (name: $0, distance: distance(Array(name), Array($0))) }
            .filter { $0.distance <= max(2, name.count / 3) && $0.distance < name.count }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
    }

    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
