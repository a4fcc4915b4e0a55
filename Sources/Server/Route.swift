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
    /// Whether it is answered out of memory: it does not wait for questions that go on.
    let isInstant: Bool

    public init(
        _ method: HTTPRequest.Method, _ path: String, isInstant: Bool = false,
        answer: @escaping @Sendable (HTTPQuestion) async throws -> HTTPAnswer
    ) {
        self.method = method
        self.path = path
        self.isInstant = isInstant
        self.answer = answer
    }

    /// Whether `path` is one of its paths; what stands in braces is any text without a slash.
    func isAt(_ path: String) -> Bool {
        let pattern = self.path.split(separator: "/"), parts = path.split(separator: "/")
        return pattern.count == parts.count && zip(pattern, parts).allSatisfy { $0.utf8.first == UInt8(ascii: "{") || $0 == $1 }
    }

    func register(on router: Router<ServerContext>, _ terms: RequestTerms) {
        router.on(RouterPath(path), method: method) { request, context in
            do {
                let lease = HeldBytes.Lease(terms.held)
                let body = try await terms.body(of: request, lease)
                let question = HTTPQuestion(
                    path: request.uri.path, query: request.uri.queryParameters.map { (String($0.key), String($0.value)) },
                    parameters: Dictionary(
                        context.parameters.map { (String($0.key), $0.value.removingPercentEncoding ?? String($0.value)) }
                    ) { first, _ in first },
                    headers: request.headers, body: body, host: request.head.authority,
                    requester: Requester(request.headers, userHeader: terms.userHeader))
                let client = terms.connections.client(of: context.channel)
                return try terms.response(try await ask(question, client, context, terms), to: client)
            } catch let error as HTTPFailure {
                return error.answer.response
            } catch let error as ShapedRefusal {
                return error.answer.response
            }
        }
    }

    /// What changes something is done to its end, whether its client waits for that or not.
    private func ask(_ question: HTTPQuestion, _ client: Client?, _ context: ServerContext, _ terms: RequestTerms) async throws
        -> HTTPAnswer
    {
        guard !method.mayChange, !isInstant else { return try await answer(question) }
        return try await terms.threads.ask(for: client, on: context.channel.eventLoop) {
            [answer] in try await answer(question)
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
    /// In how many seconds it may be tried again; nil says nothing of it.
    public let retryAfter: Int?

    public init(_ status: HTTPResponse.Status, code: String, _ message: String, retryAfter: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Too much at once: the client is to come again in a moment.
    static func busy(_ message: String) -> HTTPFailure {
        HTTPFailure(.serviceUnavailable, code: "busy", "\(message); try again in \(retryAfter) s", retryAfter: retryAfter)
    }

    private static let retryAfter = 5

    var answer: HTTPAnswer {
        var answer = HTTPAnswer.json("{\"error\":\(JSONText.quote(message)),\"code\":\(JSONText.quote(code))}\n", status: status)
        if let retryAfter { answer.headers[.retryAfter] = String(retryAfter) }
        return answer
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
