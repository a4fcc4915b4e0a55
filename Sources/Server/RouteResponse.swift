import Columns
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// What a ``Route`` responds with.
public struct RouteResponse: Sendable {
    /// 200 unless something else is said.
    public var status: HTTPResponse.Status
    /// Contains at least the content type, unless the body is empty.
    public var headers: HTTPFields
    /// Sent as it is.
    public var body: [UInt8]

    /// A response with a body of the given content type.
    public init(_ status: HTTPResponse.Status = .ok, contentType: String, body: [UInt8], headers: HTTPFields = [:]) {
        self.status = status
        self.headers = headers
        self.headers[.contentType] = contentType
        self.body = body
    }

    /// A text in UTF-8.
    public static func text(_ text: String, status: HTTPResponse.Status = .ok, contentType: String = "text/plain; charset=utf-8")
        -> RouteResponse
    {
        RouteResponse(status, contentType: contentType, body: Array(text.utf8))
    }

    /// A status without a body.
    static func empty(_ status: HTTPResponse.Status) -> RouteResponse {
        var response = RouteResponse(status, contentType: "", body: [])
        response.headers[.contentType] = nil
        return response
    }

    /// A JSON text.
    static func json(_ text: String, status: HTTPResponse.Status = .ok) -> RouteResponse {
        .text(text, status: status, contentType: "application/json")
    }

    /// Leads to another page after something was done, and remembers for thirty days who did it.
    ///
    /// - Parameter address: relative to the page that was posted to.
    static func seeOther(_ address: String, by name: String) -> RouteResponse {
        var response = RouteResponse.empty(.seeOther)
        response.headers[.location] = address
        response.headers[.setCookie] = "obs_name=\(name.percentEncoded); Max-Age=2592000; HttpOnly; SameSite=Strict; Path=/"
        return response
    }

    var encoded: Response {
        Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension String {
    /// The text as part of a query, a path or a cookie, whatever it contains.
    ///
    /// Source: RFC 3986, section 2.3: everything that is not unreserved is encoded.
    var percentEncoded: String {
        addingPercentEncoding(withAllowedCharacters: .unreserved) ?? ""
    }
}

extension CharacterSet {
    fileprivate static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
