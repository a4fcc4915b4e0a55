import Columns

/// The text of a template, cut into tokens at blanks.
///
///     Failed password for <*> from <*> port <*> ssh2
///     rhost=<*>  user=root                               a token may be partly fixed
///
/// Built only when a shape is seen for the first time, so it may allocate.
struct TemplatePattern: Sendable, Equatable {
    struct Token: Sendable, Equatable {
        var lo: Int
        var hi: Int
        var hash: UInt64
        /// Holds `<*>` somewhere.
        var isMasked: Bool
        /// Is `<*>` and nothing else.
        var isWild: Bool
    }

    /// A longer token is compared by its hash alone, so that no pattern costs more than a fixed time.
    static let longestComparedToken = 256

    private(set) var text: [UInt8]
    private(set) var tokens: [Token] = []

    /// Cuts at blanks; everything else is taken as it is.
    init(text: [UInt8]) {
        self.text = text
        let span = text.span
        var start = -1
        for index in 0...text.count {
            let isBlank = index == text.count || text[index] == UInt8(ascii: " ")
            if isBlank && start >= 0 {
                tokens.append(Self.token(span, start, index))
                start = -1
            } else if !isBlank && start < 0 {
                start = index
            }
        }
    }

    private static func token(_ span: Span<UInt8>, _ lo: Int, _ hi: Int) -> Token {
        var isMasked = false
        var index = lo
        while index + 2 < hi && !isMasked {
            isMasked =
                span[index] == UInt8(ascii: "<") && span[index + 1] == UInt8(ascii: "*")
                && span[index + 2] == UInt8(ascii: ">")
            index += 1
        }
        let hash = FastHash.bytes(span, lo, hi, seed: 1)
        return Token(lo: lo, hi: hi, hash: hash, isMasked: isMasked, isWild: isMasked && hi - lo == 3)
    }

    func bytes(_ index: Int) -> ArraySlice<UInt8> { text[tokens[index].lo..<tokens[index].hi] }

    /// A hash of the text in 48 bits, never 0. Of a hundred thousand templates two share one with a chance of 1 in 50,000; they
    /// are then one template to readers.
    var id: UInt64 { max(1, FastHash.bytes(text.span, 0, text.count, seed: 2) >> 16) }

    var maskedTokens: Int { tokens.count { $0.isMasked } }

    /// The number of equal tokens if every token of `message` fits, else nil.
    func fit(_ message: TemplatePattern) -> Int? {
        guard tokens.count == message.tokens.count else { return nil }
        var equal = 0
        for index in tokens.indices {
            if tokens[index].hash == message.tokens[index].hash {
                equal += 1
            } else if tokens[index].isWild {
                continue
            } else if !tokens[index].isMasked || !TokenRules.glob(bytes(index), message.bytes(index)) {
                return nil
            }
        }
        return equal
    }

    /// The positions at which the tokens differ, or nil if there are more than `limit`.
    func differences(from other: TemplatePattern, limit: Int) -> [Int]? {
        guard tokens.count == other.tokens.count else { return nil }
        var positions: [Int] = []
        for index in tokens.indices where tokens[index].hash != other.tokens[index].hash {
            if positions.count == limit { return nil }
            positions.append(index)
        }
        return positions
    }

    /// The pattern that both fit; blanks are those of this one. Both have the same number of tokens.
    func generalised(with other: TemplatePattern) -> TemplatePattern {
        var merged: [UInt8] = []
        var copied = 0
        for index in tokens.indices {
            merged += text[copied..<tokens[index].lo]
            copied = tokens[index].hi
            if tokens[index].hash == other.tokens[index].hash {
                merged += bytes(index)
            } else {
                merged += TokenRules.generalise(bytes(index), other.bytes(index))
            }
        }
        return TemplatePattern(text: merged)
    }
}
