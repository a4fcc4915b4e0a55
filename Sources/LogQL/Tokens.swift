import Columns

/// A piece of a query.
enum Token: Equatable {
    case word(String)
    /// What a quoted text says.
    case text(String)
    /// A number with or without a unit: `5`, `0.99`, `1h30m`, `10KB`.
    case quantity(String)
    /// `{`, `|=`, `>=` and the like.
    case sign(String)
    case end

    /// As it is quoted in an error.
    var shown: String {
        switch self {
        case .word(let text), .quantity(let text), .sign(let text): "'\(text)'"
        case .text: "a quoted text"
        case .end: "the end"
        }
    }
}

/// Reads a query piece by piece.
struct Tokens {
    /// The longest query, in bytes.
    static let maxLength = 16 << 10

    private let bytes: [UInt8]
    private var next = 0
    /// The piece that comes next.
    private(set) var current = Token.end
    /// Where it begins.
    private(set) var start = 0

    init(_ text: String) throws(LogQLError) {
        bytes = Array(text.utf8)
        guard bytes.count <= Self.maxLength else {
            throw .malformed("it has \(bytes.count) bytes; write at most \(Self.maxLength)", at: 0)
        }
        try advance()
    }

    /// Longer ones before their beginnings.
    private static let signs = [
        "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "{", "}", "(", ")", "[", "]", ",", "|", "=", ">", "<", "+",
        "-",
        "*", "/", "%", "^",
    ].map { Array($0.utf8) }

    /// Goes to the piece behind the current one.
    mutating func advance() throws(LogQLError) {
        skipBlanks()
        start = next
        guard next < bytes.count else {
            current = .end
            return
        }
        let byte = bytes[next]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): current = .text(try quoted(byte))
        case UInt8(ascii: "`"): current = .text(try raw())
        case _ where byte.isDigit || byte == UInt8(ascii: ".") && next + 1 < bytes.count && bytes[next + 1].isDigit:
            current = .quantity(run { $0.isDigit || $0.isWordByte || $0 == UInt8(ascii: ".") || $0 >= 0x80 })
        case _ where byte.isWordByte: current = .word(run { $0.isWordByte || $0.isDigit })
        default:
            guard let sign = Self.signs.first(where: { bytes[next...].starts(with: $0) }) else {
                throw .malformed("nothing begins with this character", at: next)
            }
            next += sign.count
            current = .sign(String(decoding: sign, as: UTF8.self))
        }
    }

    /// Whether the text goes on, right behind the current piece, with these bytes.
    func isFollowed(by text: String) -> Bool { bytes[next...].starts(with: text.utf8) }

    private mutating func skipBlanks() {
        while next < bytes.count {
            switch bytes[next] {
            case 0x20, 0x09, 0x0A, 0x0D: next += 1
            case UInt8(ascii: "#"): while next < bytes.count, bytes[next] != 0x0A { next += 1 }
            default: return
            }
        }
    }

    private mutating func run(_ belongs: (UInt8) -> Bool) -> String {
        let from = next
        while next < bytes.count, belongs(bytes[next]) { next += 1 }
        return String(decoding: bytes[from..<next], as: UTF8.self)
    }

    private mutating func raw() throws(LogQLError) -> String {
        guard let end = bytes[(next + 1)...].firstIndex(of: UInt8(ascii: "`")) else {
            throw .malformed("the text in back quotes has no end", at: next)
        }
        defer { next = end + 1 }
        return String(decoding: bytes[(next + 1)..<end], as: UTF8.self)
    }

    /// A text with the escapes of Go.
    private mutating func quoted(_ quote: UInt8) throws(LogQLError) -> String {
        let from = next
        var text: [UInt8] = []
        next += 1
        while next < bytes.count, bytes[next] != quote {
            guard bytes[next] == UInt8(ascii: "\\") else {
                text.append(bytes[next])
                next += 1
                continue
            }
            next += 1
            guard next < bytes.count else { break }
            let escape = bytes[next]
            next += 1
            switch escape {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "a"): text.append(0x07)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "v"): text.append(0x0B)
            case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): text.append(escape)
            case UInt8(ascii: "x"): text.append(UInt8(truncatingIfNeeded: try digits(2)))
            case UInt8(ascii: "u"), UInt8(ascii: "U"):
                let code = try digits(escape == UInt8(ascii: "u") ? 4 : 8)
                guard let scalar = Unicode.Scalar(code) else { throw .malformed("Unicode has no such character", at: next) }
                text += Array(String(Character(scalar)).utf8)
            default: throw .malformed("the escape '\\\(String(decoding: [escape], as: UTF8.self))' means nothing", at: next - 1)
            }
        }
        guard next < bytes.count else { throw .malformed("the quoted text has no end", at: from) }
        next += 1
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func digits(_ count: Int) throws(LogQLError) -> UInt32 {
        let end = next + count
        guard end <= bytes.count, let value = UInt32(String(decoding: bytes[next..<end], as: UTF8.self), radix: 16) else {
            throw .malformed("this escape takes \(count) digits of base 16", at: next)
        }
        next = end
        return value
    }
}

extension UInt8 {
    /// A letter of ASCII or `_`.
    var isWordByte: Bool { (0x61...0x7A).contains(self | 0x20) || self == UInt8(ascii: "_") }
}
