import Columns
import Foundation
import HTTPTypes

/// A request as a ``Route`` sees it, with its whole body.
public struct RouteRequest: Sendable {
    /// As the client sent it, percent-encoded, without the query.
    public let path: String
    /// The parameters of the query in their order, percent-decoded; a name may occur several times.
    public let query: [(name: String, value: String)]
    /// The values of the parameters in the route's path, percent-decoded, by name.
    public let parameters: [String: String]
    /// The header fields as the client sent them.
    public let headers: HTTPFields
    /// At most ``ServerConfiguration/maxBodySize`` bytes.
    public let body: [UInt8]
    /// The `host:port` that the client asked for.
    var host: String?
    /// Who sent the request, as far as that is known.
    var requester = Requester.unverified
    /// What they may do.
    var caller = Caller.anybody

    /// A parameter of the route's path; "" when the path has none of that name.
    func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// The first value of a query parameter; nil when it is absent.
    public func first(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// The same, but nil for an empty value as well: forms send all of their fields.
    func given(_ name: String) -> String? { first(name).flatMap { $0.isEmpty ? nil : $0 } }

    /// How many items the client asks for: the query parameter `limit`, or 100.
    ///
    /// - Throws: ``HTTPFailure`` 400 when it is not a number from 1 to `most`.
    func limit(to most: Int) throws(HTTPFailure) -> Int {
        guard let text = given("limit") else { return 100 }
        guard let limit = Int(text), (1...most).contains(limit) else {
            throw HTTPFailure(.badRequest, code: "bad_limit", "limit is '\(text)'; write a number from 1 to \(most)")
        }
        return limit
    }

    /// The media type of the body in lowercase, without parameters; nil when the client does not say.
    var mediaType: String? {
        headers[.contentType].map { OutsideText(OutsideText($0).split { $0 == ";" }[0]).trimmed.lowercased() }
    }

    /// Whether the client prefers a page, as a browser does, to plain text.
    var wantsPage: Bool { headers[.accept].map { OutsideText($0).contains("text/html") } == true }
}

/// Forms that a page posts.
extension RouteRequest {
    /// The fields of a posted form; a name may occur several times.
    var form: [(name: String, value: String)] { Self.pairs(body) }

    /// The pairs of a form or of a query, whose blanks are `+` or `%20`, as all clients in Go write them.
    static func pairs(_ bytes: [UInt8]) -> [(name: String, value: String)] {
        bytes.split(separator: UInt8(ascii: "&")).map { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false).map(decode)
            return (parts[0], parts.count == 2 ? parts[1] : "")
        }
    }

    /// The name or value of a form field; bytes that are not UTF-8 become U+FFFD.
    ///
    /// Source: URL Living Standard, §5.1, "application/x-www-form-urlencoded parsing".
    private static func decode(_ bytes: ArraySlice<UInt8>) -> String {
        func digit(_ byte: UInt8?) -> UInt8? {
            switch byte {
            case let byte? where (0x30...0x39).contains(byte): byte - 0x30
            case let byte? where (0x61...0x66).contains(byte | 0x20): (byte | 0x20) - 0x57
            default: nil
            }
        }
        var decoded: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let high = digit(rest.first), let low = digit(rest.dropFirst().first) {
                decoded.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                decoded.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// A field of a posted form without surrounding blanks; nil when it is empty.
    func field(_ name: String) -> String? {
        let value = OutsideText(form.first { $0.name == name }?.value ?? "").trimmed
        return value.isEmpty ? nil : value
    }

    /// Checks that the body is a form as pages post it. That it comes from obs's own page, ``Doorkeeper`` has checked.
    ///
    /// - Throws: ``HTTPFailure`` 415 for any other body.
    func requireForm() throws(HTTPFailure) {
        guard mediaType == "application/x-www-form-urlencoded" else {
            throw HTTPFailure(
                .unsupportedMediaType, code: "bad_body",
                "this takes the form of its page; programs use /api/v1, see /api/openapi.json")
        }
    }

    /// The name of the person who posted a form; nil when they have not given one.
    func person() throws(HTTPFailure) -> String? { try requester.name(field("by")) }

    /// The name that the person gave last time, from the cookie.
    var knownName: String? {
        let cookies =
            headers[.cookie].map { OutsideText($0).split { $0 == ";" }.map { OutsideText(OutsideText($0).trimmed) } } ?? []
        return cookies.first { $0.starts(with: "obs_name=") }.flatMap {
            String($0.scalars.dropFirst("obs_name=".utf8.count)).removingPercentEncoding
        }
    }
}
