import Columns
import Foundation

/// The response of a service, parsed: many respond with 200 and put an error into the body.
struct ServiceAnswer {
    let status: Int
    /// The beginning of the body.
    let text: String
    private let object: JSON?

    init(status: Int, body: Data) {
        self.status = status
        text = String(decoding: body, as: UTF8.self)
        let value = try? JSON(parsing: Array(body))
        if case .object = value { object = value } else { object = nil }
    }

    /// Whether the body is a JSON object.
    var isObject: Bool { object != nil }

    subscript(_ key: String) -> JSON? {
        guard let value = object?[key], value != .null else { return nil }
        return value
    }

    func text(_ key: String) -> String? { self[key]?.text }
    func number(_ key: String) -> Double? { self[key]?.asNumber }

    /// A boolean, also one that is written as a text.
    func truth(_ key: String) -> Bool? {
        switch self[key] {
        case .bool(let value): value
        case .text("true"): true
        case .text("false"): false
        default: nil
        }
    }

    /// Whether the body contains one of `words`, in any case.
    func says(_ words: String...) -> Bool { Self.has(text, words) }

    static func has(_ text: String, _ words: [String]) -> Bool {
        let bytes = Array(text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 })
        return words.contains { bytes.firstRange(of: Array($0.utf8)) != nil }
    }

    /// Words by which most services report rate limits and failures of their own.
    var saysLater: Bool {
        says(
            "rate limit", "ratelimit", "rate_limit", "too many requests", "toomanyrequests", "throttl", "temporarily", "timeout",
            "timed out",
            "try again", "unavailable", "internal_error", "internal error", "internalerror", "internal server error")
    }
}

/// A service did not accept a request, whatever its status.
struct ServiceObjection: Equatable {
    /// Whether it says that another try may help.
    var isPassing: Bool
    /// How long it asks to wait.
    var pause: Duration?

    init(isPassing: Bool, pause: Double? = nil) {
        self.isPassing = isPassing
        self.pause = pause.flatMap { $0.isFinite && $0 > 0 ? .milliseconds(Int64(min($0, 1e6) * 1000)) : nil }
    }
}

extension JSON {
    /// A number, also one that is written as a text.
    var asNumber: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        case .text(let text): Double(text.string)
        default: nil
        }
    }
}
