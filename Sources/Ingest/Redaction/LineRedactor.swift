import Columns
import Crypto
import Foundation
import Parsing
import Synchronization

/// Replaces parts of lines before anything of them is kept: in bronze, in quarantine, in evidence, and in spools.
///
///     user alice from 192.0.2.7   ──hash──▶   user h-5f0c6b1e9d2a4477c1b8a0f3 from 192.0.2.7
///
/// A value that is hashed has the same hash in each line, so that rows still join and rules still count by it; whoever has not
/// the key cannot find out whose it is by hashing names. Rules apply in their order, each to what the one before has left.
package struct LineRedactor: Sendable, Hashable {
    /// One pattern and what stands in the place of what it finds.
    package struct Rule: Sendable, Hashable {
        package enum Replacement: Sendable, Hashable {
            case text(String)
            /// `h-` and 24 digits of HMAC-SHA-256.
            case hash
        }

        /// Looked for anywhere in a line, as often as it is there.
        let pattern: RegularExpression
        package let replacement: Replacement

        /// - Parameter pattern: of RE2. Where it has groups, what they take is replaced, and else all that it matches.
        package init(pattern: RegularExpression, replacement: Replacement) {
            self.pattern = pattern
            self.replacement = replacement
        }
    }

    /// The key of hashes. It is asked for when it is first needed, which may take as long as a vault takes, and then kept.
    package final class Key: Sendable {
        private let read: @Sendable () throws -> String
        private let value = Mutex<SymmetricKey?>(nil)

        /// - Parameter read: gives at least 16 bytes, or an error in one sentence.
        package init(_ read: @escaping @Sendable () throws -> String) { self.read = read }

        fileprivate func reveal() throws -> SymmetricKey {
            try value.withLock { value in
                if let value { return value }
                let text = try read()
                guard text.utf8.count >= 16 else { throw RedactionError.shortKey }
                let key = SymmetricKey(data: Data(text.utf8))
                value = key
                return key
            }
        }
    }

    private let rules: [Rule]
    /// Nil where no rule hashes.
    private let key: Key?
    /// Tells two keys apart without reading them.
    private let keyPlace: Int

    /// - Parameters:
    ///   - key: nil where no rule hashes.
    ///   - keyPlace: the same for the same place that the key is in, so that a changed configuration is seen.
    package init(_ rules: [Rule], key: Key?, keyPlace: Int) {
        self.rules = rules
        self.key = key
        self.keyPlace = keyPlace
    }

    package static func == (left: Self, right: Self) -> Bool { left.rules == right.rules && left.keyPlace == right.keyPlace }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(rules)
        hasher.combine(keyPlace)
    }

    /// The same lines, redacted. Bytes that are not UTF-8 are not kept beside them: what is in them was not looked at.
    ///
    /// - Parameter lines: of the schema `RawLines.schema`.
    /// - Throws: when the key cannot be had; nothing may be kept of the lines then.
    package func redact(_ lines: Batch) throws -> Batch {
        guard !rules.isEmpty, lines.count > 0, let column = lines["line"] else { return lines }
        var pass = try RedactionPass(rules, key: needsKey ? key?.reveal() : nil)
        var texts = TextBuilder()
        texts.reserveCapacity(texts: lines.count, bytes: lines.count * 100)
        var isChanged = false
        for row in 0..<lines.count {
            column.withBytes(at: row) { line in
                if pass.redact(line) {
                    isChanged = true
                    texts.append(pass.line.span)
                } else {
                    texts.append(line)
                }
            }
        }
        guard isChanged || lines["raw"]?.nullCount != lines.count else { return lines }
        let redacted = texts.finish()
        return Batch(
            schema: lines.schema,
            columns: zip(lines.schema.fields, lines.columns).map { field, column in
                switch field.name {
                case "line": redacted
                case "raw": .nulls(.binary, count: lines.count)
                default: column
                }
            })
    }

    /// The same of a text of whole lines. What is not UTF-8 in it is replaced by U+FFFD.
    package func redact(_ text: [UInt8]) throws -> [UInt8] {
        guard !rules.isEmpty else { return text }
        var pass = try RedactionPass(rules, key: needsKey ? key?.reveal() : nil)
        let text = text.span.isValidUTF8 ? text : Array(String(decoding: text, as: UTF8.self).utf8)
        var redacted: [UInt8] = []
        redacted.reserveCapacity(text.count + text.count / 4)
        var start = 0
        while start < text.count {
            let end = text.span.firstIndex(of: 10, from: start) ?? text.count
            if pass.redact(text.span.extracting(start..<end)) { redacted += pass.line } else { redacted += text[start..<end] }
            if end < text.count { redacted.append(10) }
            start = end + 1
        }
        return redacted
    }

    private var needsKey: Bool { rules.contains { $0.replacement == .hash } }
}

/// Why lines cannot be redacted.
enum RedactionError: Error, CustomStringConvertible {
    case shortKey
    case noKey

    var description: String {
        switch self {
        case .shortKey: "redaction.key has less than 16 bytes; make one with 'openssl rand -hex 32'"
        case .noKey: "a rule of redaction has 'hash', and redaction has no 'key'"
        }
    }
}
