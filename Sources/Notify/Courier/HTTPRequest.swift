import Columns
import Foundation

/// A request to a service, ready to be sent.
struct HTTPRequest: Sendable, Equatable {
    var method = "POST"
    var url: String
    var headers: [String: String] = [:]
    var body = Data()
    var timeout = Duration.seconds(10)
    /// Texts in it that no error may show, in addition to those of the client's settings.
    var secrets: [String] = []
    /// Signs the request for Amazon: `aws:amz:REGION:sns`, with access key and secret key.
    var awsSignature: AWSSignature?

    struct AWSSignature: Sendable, Equatable {
        var scope: String
        var accessKey: String
        var secretKey: String
    }

    /// A POST of `value` as JSON, its keys sorted so that the same value is the same text.
    static func json(_ value: some Encodable, to url: String, secrets: [String] = []) -> HTTPRequest {
        HTTPRequest(url: url, headers: ["Content-Type": "application/json"], body: encode(value), secrets: secrets)
    }

    /// A POST of `make(text)` as JSON, in which the text is cut so that the body has at most `limit` bytes.
    static func json<Value: Encodable>(
        _ make: (String) -> Value, _ text: String, _ markup: Markup, within limit: Int, to url: String, secrets: [String] = []
    ) -> HTTPRequest {
        let whole = HTTPRequest.json(make(text), to: url, secrets: secrets)
        guard whole.body.count > limit else { return whole }
        let frame = encode(make("")).count
        return .json(make(text.cut(to: max(0, limit - frame), .jsonBytes, as: markup)), to: url, secrets: secrets)
    }

    static func encode(_ value: some Encodable) -> Data {
        // Texts, numbers and truth values in arrays and dictionaries always encode.
        (try? JSON(value)).map { Data($0.bytes()) } ?? Data("{}".utf8)
    }

    /// A POST of a form.
    static func form(_ fields: [(String, String)], to url: String, secrets: [String] = []) -> HTTPRequest {
        HTTPRequest(
            url: url, headers: ["Content-Type": "application/x-www-form-urlencoded"], body: Data(encodeForm(fields).utf8),
            secrets: secrets)
    }

    static func encodeForm(_ fields: [(String, String)]) -> String {
        fields.map { "\(escape($0.0))=\(escape($0.1))" }.joined(separator: "&")
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986 §2.3.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                escaped += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return escaped
    }
}

/// The response to a request.
enum HTTPAnswer: Sendable, Equatable {
    /// No response: no connection, no trust in the certificate, or a time-out.
    case failed(reason: String)
    /// - Parameters:
    ///   - body: at most its first 64 KiB.
    ///   - shown: the beginning of the body, without secrets and fit for a log.
    case answered(status: Int, body: Data, shown: String, retryAfter: Duration?)

    /// - Parameter objection: what a service says in the body in addition to its status: many respond with 200 to everything.
    func outcome(
        alsoRetrying statuses: Set<Int> = [], objection: (ServiceAnswer) -> ServiceObjection? = { _ in nil }
    ) -> NoticeOutcome {
        switch self {
        case .failed(let reason): return .retry(reason: reason)
        case .answered(let status, let body, let shown, let pause):
            let reason = "the receiver answered \(status)\(shown.isEmpty ? "" : ": \(shown)")"
            let objection = objection(ServiceAnswer(status: status, body: body))
            let after = objection?.pause.map { min($0, NoticeOutcome.longestPause) } ?? pause
            switch status {
            case 200..<300:
                guard let objection else { return .delivered }
                return objection.isPassing ? .retry(reason: reason, after: after) : .refused(reason: reason)
            case 408, 425, 429, 500...: return .retry(reason: reason, after: after)
            default:
                return statuses.contains(status) || objection?.isPassing == true
                    ? .retry(reason: reason, after: after) : .refused(reason: reason)
            }
        }
    }
}
