import Foundation
import Mustache

/// A text of a notification with placeholders, in Mustache: `{{subject}}`, `{{#firing}}…{{/firing}}`. Its data are those of
/// ``MessageModel``.
///
/// It may use what can neither fail nor loop when it is rendered: variables, sections, comments and partials. A Go template, as
/// Alertmanager has it, is refused: it would be sent unrendered, or mean something else.
///
/// Source: mustache(5).
struct MessageTemplate: Sendable, Decodable, ExpressibleByStringLiteral {
    let source: String
    /// The partials that it names.
    let partials: Set<String>
    private let text: MustacheTemplate

    /// Why a text is not accepted as a template.
    struct Malformed: Error, CustomStringConvertible { let description: String }

    static let maxLength = 65_536
    static let maxDepth = 16

    /// - Parameter isPartial: whether other templates include it, within lists of alerts too, so that it may name fields of an
    ///   alert.
    /// - Throws: ``Malformed``.
    init(_ source: String, isPartial: Bool = false) throws {
        guard source.utf8.count <= Self.maxLength else {
            throw Malformed(description: "has \(source.utf8.count) bytes; a template has at most \(Self.maxLength)")
        }
        self.source = source
        partials = try MessageGrammar.check(
            source, names: isPartial ? MessageModel.names.union(MessageModel.alertNames) : MessageModel.names)
        do {
            // Values come escaped (MessageModel): the library's own escaping works on `Character`s and misses one that a
            // combining mark has joined. On a line of its own the pragma renders to nothing; on the line of another tag it would
            // change how that line is rendered.
            text = try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}\n" + source)
        } catch let error as MustacheTemplate.ParserError {
            throw Malformed(description: "is not Mustache: \(error.error)")
        } catch {
            throw Malformed(description: "is not Mustache: \(error)")
        }
    }

    /// A template that is part of the program: a mistake in it is a bug.
    init(stringLiteral source: String) {
        do { try self.init(source) } catch { preconditionFailure("'\(source)' \(error)") }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(try container.decode(String.self))
        } catch let error as Malformed {
            let name = decoder.codingPath.last?.stringValue ?? "it"
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(name) \(error)")
        }
    }

    /// The text for the values of `model`, which are inserted as they are.
    func render(_ model: [String: Any], _ library: MessageLibrary) -> String { text.render(model, library: library.compiled) }

    fileprivate var compiled: MustacheTemplate { text }
}

/// The partials that templates may include: built-in ones, and the files under `templates`.
struct MessageLibrary: Sendable {
    fileprivate let compiled: MustacheLibrary
    let names: Set<String>

    /// - Throws: ``MessageTemplate/Malformed`` when a partial includes one that does not exist, or itself through others.
    init(_ own: [String: MessageTemplate] = [:]) throws {
        let all = DefaultMessages.partials.merging(own) { _, own in own }
        names = Set(all.keys)
        var finished: Set<String> = []
        func visit(_ name: String, _ path: [String]) throws {
            guard !finished.contains(name) else { return }
            guard !path.contains(name) else {
                throw MessageTemplate.Malformed(
                    description: "the template '\(name)' includes itself (\((path + [name]).joined(separator: " → ")))")
            }
            for next in all[name]?.partials.sorted() ?? [] {
                guard all[next] != nil else {
                    throw MessageTemplate.Malformed(description: "the template '\(name)' includes '\(next)', which there is not")
                }
                try visit(next, path + [name])
            }
            finished.insert(name)
        }
        for name in all.keys.sorted() { try visit(name, []) }
        compiled = MustacheLibrary(templates: all.mapValues(\.compiled))
    }

    /// - Throws: ``NotifierError/badValue(_:)`` when one of `templates` names a partial that does not exist.
    func check(_ templates: [MessageTemplate], in key: String) throws(NotifierError) {
        guard let name = Set(templates.flatMap(\.partials)).subtracting(names).min() else { return }
        let known = names.sorted().joined(separator: ", ")
        throw .badValue("a template in \(key) includes '\(name)', which there is not; known are \(known)")
    }

    /// The built-in partials.
    static let builtin: MessageLibrary = {
        do { return try MessageLibrary() } catch { preconditionFailure("\(error)") }
    }()
}

extension KeyedDecodingContainer {
    /// The template under `key`, or `standard` when there is none.
    func template(_ key: Key, default standard: MessageTemplate) throws -> MessageTemplate {
        try decodeIfPresent(MessageTemplate.self, forKey: key) ?? standard
    }

    /// Templates under names that the user chooses, such as `details`.
    func templates(_ key: Key) throws -> [String: MessageTemplate] {
        try decodeIfPresent([String: MessageTemplate].self, forKey: key) ?? [:]
    }
}
