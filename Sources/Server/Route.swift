import Columns
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// One method and path of the server, and what answers it.
public struct Route: Sendable {
    public let method: HTTPRequest.Method
    /// With parameters in braces: `/api/v1/incidents/{id}`.
    public let path: String
    let answer: @Sendable (HTTPQuestion) async throws -> HTTPAnswer

    public init(
        _ method: HTTPRequest.Method, _ path: String, answer: @escaping @Sendable (HTTPQuestion) async throws -> HTTPAnswer
    ) {
        self.method = method
        self.path = path
        self.answer = answer
    }

    /// Whether `path` is one of its paths; what stands in braces is any text without a slash.
    func isAt(_ path: String) -> Bool {
        let pattern = self.path.split(separator: "/"), parts = path.split(separator: "/")
        return pattern.count == parts.count && zip(pattern, parts).allSatisfy { $0.utf8.first == UInt8(ascii: "{") || $0 == $1 }
    }

    func register(on router: Router<BasicRequestContext>, maxBodySize: Int, userHeader: HTTPField.Name?) {
        router.on(RouterPath(path), method: method) { request, context in
            do {
                let body = try await request.body.collect(upTo: maxBodySize)
                let question = HTTPQuestion(
                    path: request.uri.path, query: request.uri.queryParameters.map { (String($0.key), String($0.value)) },
                    parameters: Dictionary(
                        context.parameters.map { (String($0.key), $0.value.removingPercentEncoding ?? String($0.value)) }
                    ) { first, _ in first },
                    headers: request.headers, body: Array(body.readableBytesView), host: request.head.authority,
                    requester: Requester(request.headers, userHeader: userHeader))
                return try await answer(question).response
            } catch let error as HTTPFailure {
                return error.answer.response
            } catch let error as ShapedRefusal {
                return error.answer.response
            } catch is NIOTooManyBytesError {
                return HTTPFailure(
                    .contentTooLarge, code: "too_large", "the body is larger than \(maxBodySize) bytes; send it in parts"
                ).answer.response
            }
        }
    }
}

/// A request as a ``Route`` sees it, body and all.
public struct HTTPQuestion: Sendable {
    public let path: String
    public let query: [(name: String, value: String)]
    /// What stood in place of the path's braces, percent-decoded.
    public let parameters: [String: String]
    public let headers: HTTPFields
    public let body: [UInt8]
    /// The `host:port` that the client asked.
    public var host: String?
    public var requester = Requester.unverified

    /// The first value of a query parameter.
    public func first(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// The same, where one that is empty says nothing: forms send all of their fields.
    public func given(_ name: String) -> String? { first(name).flatMap { $0.isEmpty ? nil : $0 } }
}

/// What a ``Route`` answers.
public struct HTTPAnswer: Sendable {
    public var status: HTTPResponse.Status
    public var headers: HTTPFields
    public var body: [UInt8]

    public init(_ status: HTTPResponse.Status = .ok, contentType: String, body: [UInt8], headers: HTTPFields = [:]) {
        self.status = status
        self.headers = headers
        self.headers[.contentType] = contentType
        self.body = body
    }

    public static func text(_ text: String, status: HTTPResponse.Status = .ok, contentType: String = "text/plain; charset=utf-8")
        -> HTTPAnswer
    {
        HTTPAnswer(status, contentType: contentType, body: Array(text.utf8))
    }

    /// Nothing but a status.
    public static func empty(_ status: HTTPResponse.Status) -> HTTPAnswer {
        var answer = HTTPAnswer(status, contentType: "", body: [])
        answer.headers[.contentType] = nil
        return answer
    }

    public static func json(_ text: String, status: HTTPResponse.Status = .ok) -> HTTPAnswer {
        .text(text, status: status, contentType: "application/json")
    }

    var response: Response {
        Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// A refusal that the client can read: `{"error": "…", "code": "…"}`. The code stays the same from release to release.
public struct HTTPFailure: Error, Sendable {
    public let status: HTTPResponse.Status
    public let code: String
    public let message: String

    public init(_ status: HTTPResponse.Status, code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    var answer: HTTPAnswer {
        .json("{\"error\":\(JSONText.quote(message)),\"code\":\(JSONText.quote(code))}\n", status: status)
    }
}

extension String {
    /// As it stands in a query, a path or a cookie, whatever is in it.
    ///
    /// Source: RFC 3986, section 2.3: what is not unreserved is encoded.
    var percentEncoded: String {
        addingPercentEncoding(withAllowedCharacters: .unreserved) ?? ""
    }
}

extension CharacterSet {
    fileprivate static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
