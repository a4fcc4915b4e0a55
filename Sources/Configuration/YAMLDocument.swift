import Alerting
import Columns
import Incidents
import Foundation
import Yams

/// One YAML file, decoded into the plain configuration values that the rooms declare.
///
/// Yams' own decoder neither knows the line of a value nor notices a key that nobody reads. This one does both for any
/// `Decodable` type: it notes which keys the type asks for, and what is left over in the file is an unknown key, with its line
/// and the nearest known one.
struct YAMLDocument {
    let file: String
    private let root: Node?

    /// - Throws: ``ConfigurationError`` when `text` is not YAML, or holds a key twice.
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
            // An alias stands for all that its anchor holds: a few lines of aliases to aliases are more values than there is time
            // for.
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
            throw ConfigurationError([Self.mistake(error, text, file: file)])
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
    static func requireShallow(_ text: String, file: String) throws(ConfigurationError) {
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
    /// - Parameter environment: what `${NAME}` in secrets may name.
    /// - Throws: ``ConfigurationError`` with every unknown key and every value that does not fit, each with its line and once.
    func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> Value {
        let log = log(for: type, environment)
        let node = root ?? Node.mapping(.init([]))
        let decoded: Value? = log.gather(in: node) { () throws in try Value(from: NodeDecoder(node: node, path: [], log: log)) }
        guard log.mistakes.isEmpty, let decoded else { throw ConfigurationError(log.mistakes) }
        return decoded
    }

    private func log<Value>(for type: Value.Type, _ environment: [String: String]) -> DecodingLog {
        DecodingLog(file: file, declared: (type as? any DeclaredFile.Type)?.declared, environment: environment)
    }

    /// The keys that reading the document as `type` asks for, by the place of their mapping.
    func keysAsked<Value: Decodable & DeclaredFile>(by type: Value.Type) -> [String: Set<String>] {
        let log = log(for: type, [:])
        _ = log.gather(in: root ?? Node.mapping(.init([]))) { () throws in
            try Value(from: NodeDecoder(node: root ?? Node.mapping(.init([])), path: [], log: log))
        }
        return log.asked
    }

    /// What is wrong with the value at `path`, such as `["sources", 2, "pipeline"]`: found when all is read, and shown at its
    /// line.
    func mistake(_ message: String, at path: ConfigurationKey...) -> ConfigurationError.Mistake {
        .init(file: file, line: root.flatMap { DecodingLog.line(of: path, in: $0) }, message: message)
    }

    /// The document as YAML, with `<secret>` where ``Value`` has a secret.
    ///
    /// - Throws: ``ConfigurationError`` when it cannot be decoded.
    func shown<Value: Decodable>(
        as type: Value.Type = Value.self, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> String {
        guard let root else { return "" }
        let log = log(for: type, environment)
        let decoded: Value? = log.gather(in: root) { () throws in try Value(from: NodeDecoder(node: root, path: [], log: log)) }
        guard log.mistakes.isEmpty, decoded != nil else { throw ConfigurationError(log.mistakes) }
        do {
            return try Yams.serialize(node: log.masked(root, []))
        } catch {
            throw ConfigurationError([.init(file: file, line: nil, message: "cannot be shown as YAML: \(error)")])
        }
    }

    private static func mistake(_ error: YamlError, _ text: String, file: String) -> ConfigurationError.Mistake {
        switch error {
        case .scanner(_, _, let mark, _) where isIndentedByTab(text, line: mark.line):
            .init(file: file, line: mark.line, message: "this line is indented by a tab, which YAML does not allow; use spaces")
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            .init(file: file, line: mark.line, message: "this is not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            .init(
                file: file, line: context.mark.line,
                message: "the key '\(duplicates.map(DecodingLog.shownKey).sorted().joined(separator: "', '"))' is here twice")
        case .reader(let problem, _, _, _):
            .init(file: file, line: nil, message: "this is not text that YAML may hold: \(problem)")
        default:
            .init(file: file, line: nil, message: "cannot be read as YAML: \(error)")
        }
    }

    /// Whether a tab stands in the white space that line `line` (from 1) begins with.
    private static func isIndentedByTab(_ text: String, line: Int) -> Bool {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
        guard line >= 1, line <= lines.count else { return false }
        return lines[line - 1].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.contains(UInt8(ascii: "\t"))
    }
}
