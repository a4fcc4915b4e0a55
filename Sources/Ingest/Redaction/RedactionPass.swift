import Columns
import Crypto

/// The rules on one line after another; what they need is allocated once.
struct RedactionPass {
    private let rules: [LineRedactor.Rule]
    private let key: SymmetricKey?
    /// The line as the rules leave it.
    private(set) var line: [UInt8] = []
    private var before: [UInt8] = []
    private var places: [Range<Int>] = []
    /// Names come again and again, and a look is cheaper than a hash.
    private var hashes: [[UInt8]: [UInt8]] = [:]

    private static let maxHashes = 4096

    init(_ rules: [LineRedactor.Rule], key: SymmetricKey?) throws {
        if key == nil, rules.contains(where: { $0.replacement == .hash }) { throw RedactionError.noKey }
        self.rules = rules
        self.key = key
    }

    /// Whether a rule has changed something; then ``line`` is what is left.
    mutating func redact(_ text: Span<UInt8>) -> Bool {
        var isChanged = false
        for rule in rules {
            if !isChanged {
                // Fast path: most rules find nothing in most lines, and nothing is copied.
                guard rule.pattern.firstMatch(in: text, from: 0, into: &places) else { continue }
                before.removeAll(keepingCapacity: true)
                for index in text.indices { before.append(text[index]) }
                isChanged = true
            } else {
                swap(&before, &line)
                guard find(rule.pattern, from: 0) else {
                    swap(&before, &line)
                    continue
                }
            }
            replaceAll(rule)
        }
        return isChanged
    }

    /// Looks for a match in ``before``.
    private mutating func find(_ pattern: RegularExpression, from start: Int) -> Bool {
        let text = before
        return pattern.firstMatch(in: text.span, from: start, into: &places)
    }

    /// Makes ``line`` of ``before``, in which ``places`` has the first match.
    private mutating func replaceAll(_ rule: LineRedactor.Rule) {
        line.removeAll(keepingCapacity: true)
        var copied = 0, isFound = true
        while isFound {
            let match = places[0]
            // Without a group the whole; of nested groups the outer one.
            for place in places.count == 1 ? places[...] : places[1...] where place.lowerBound >= copied && !place.isEmpty {
                line += before[copied..<place.lowerBound]
                append(before[place], rule.replacement)
                copied = place.upperBound
            }
            // An empty match must not be found for ever.
            let next = match.isEmpty ? match.upperBound + 1 : match.upperBound
            isFound = next < before.count && find(rule.pattern, from: next)
        }
        line += before[copied...]
    }

    private mutating func append(_ value: ArraySlice<UInt8>, _ replacement: LineRedactor.Rule.Replacement) {
        switch replacement {
        case .text(let text): line += text.utf8
        case .hash:
            let value = Array(value)
            if let known = hashes[value] {
                line += known
                return
            }
            guard let key else { return }
            let code = HMAC<SHA256>.authenticationCode(for: value, using: key)
            let hash = Array("h-".utf8) + code.prefix(12).flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }
            if hashes.count >= Self.maxHashes { hashes = [:] }
            hashes[value] = hash
            line += hash
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
