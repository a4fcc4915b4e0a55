import Columns
import Foundation
import HTTPTypes

/// What a request says about who sends it.
enum Credentials {
    /// The token in `Authorization`: `Bearer TOKEN`, or, for shippers that know nothing else, `Splunk TOKEN`, the password of
    /// `Basic` or the second half of Elasticsearch's `ApiKey`. Nil when the header is absent; "" for one that cannot be read.
    static func token(_ headers: HTTPFields) -> String? {
        guard let header = headers[.authorization] else { return nil }
        let parts = OutsideText(OutsideText(header).trimmed).split { $0 == " " }.filter { !$0.isEmpty }
        guard parts.count == 2 else { return "" }
        switch parts[0].lowercased() {
        case "bearer", "splunk": return parts[1]
        case "basic", "apikey":
            guard parts[1].utf8.count <= 1024, let bytes = Data(base64Encoded: parts[1]) else { return "" }
            let text = bytes.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            return text.count == 2 ? String(decoding: text[1], as: UTF8.self) : ""
        default: return ""
        }
    }

    /// The value of a cookie; nil when the request does not have exactly one of the name: a second one may be the work of
    /// another site of the same domain.
    static func cookie(_ name: String, _ headers: HTTPFields) -> String? {
        let cookies = headers[values: .cookie].flatMap { OutsideText($0).split { $0 == ";" } }.map { OutsideText($0).trimmed }
        let found = cookies.filter { OutsideText($0).starts(with: name + "=") }
        guard found.count == 1 else { return nil }
        return String(found[0].unicodeScalars.dropFirst(name.unicodeScalars.count + 1))
    }
}
