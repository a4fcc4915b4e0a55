import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Transfer

/// A server on a free port that takes one request and answers what it is told to.
private final class OneAnswer: Sendable {
    private let listener: LoopbackListener
    private let received = Mutex<String>("")
    private let done = DispatchSemaphore(value: 0)

    var port: Int { Int(listener.port) }

    init(_ answer: String) throws {
        listener = try LoopbackListener()
        listener.accept(for: self) { server, peer in server.serve(peer, answer) }
    }

    private func serve(_ peer: Int32, _ answer: String) {
        var buffer = [UInt8](repeating: 0, count: 65_536), text = ""
        // The requests here are short, and each ends with what it is about.
        while !text.contains("\r\n\r\n") || text.hasPrefix("POST") && !text.hasSuffix("end") {
            let count = recv(peer, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        received.withLock { $0 = text }
        _ = answer.withCString { send(peer, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        done.signal()
    }

    /// The whole request, once it was answered.
    var request: String {
        done.wait()
        done.signal()
        return received.withLock { $0 }
    }
}

struct `A plain exchange` {
    private func url(_ server: OneAnswer) -> String { "http://127.0.0.1:\(server.port)/a?b=c" }

    @Test func `brings the status and the body of any answer`() throws {
        let server = try OneAnswer("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n")
        let answer = try WebRequest("GET", url(server)).perform()
        #expect(answer.status == 404 && !answer.isSuccess && answer.body == Data("no\n".utf8))
        #expect(server.request.hasPrefix("GET /a?b=c HTTP/1.1\r\n") && server.request.contains("User-Agent: obs\r\n"))
    }

    @Test func `sends its body and its headers`() async throws {
        let server = try OneAnswer("HTTP/1.1 204 No Content\r\n\r\n")
        var request = WebRequest("POST", url(server))
        request.headers["Content-Type"] = "text/plain"
        request.body = Data("the end".utf8)
        #expect(try await request.send().isSuccess)
        let text = server.request
        #expect(text.contains("Content-Type: text/plain\r\n") && text.hasSuffix("\r\n\r\nthe end"))
        #expect(!text.contains("Expect"))
    }

    @Test func `follows no redirect, and keeps no more of an answer than it was told to`() throws {
        let server = try OneAnswer("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 10\r\n\r\n0123456789")
        var request = WebRequest("GET", url(server))
        request.answerLimit = 4
        let answer = try request.perform()
        #expect(answer.status == 302 && answer.body == Data("0123".utf8))
    }

    @Test(arguments: ["http://127.0.0.1:1/", "ftp://127.0.0.1/x", "file:///etc/passwd", "not a url", ""])
    func `says why there is no answer`(url: String) {
        #expect { try WebRequest("GET", url).perform() } throws: { !"\($0)".isEmpty }
    }
}
