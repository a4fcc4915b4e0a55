import Foundation
import Glibc
import Synchronization

/// A receiver of webhooks on a port of its own: keeps what it gets, and answers as it is told to.
public final class Sink: Sendable {
    public struct Post: Sendable {
        public let path: String
        public let headers: [String: String]
        public let body: String
        public var payload: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:] }
    }

    private let listener: LoopbackListener
    private let state: Mutex<(posts: [Post], answers: [String], isHeld: Bool)>

    /// - Parameter answers: status line and headers of each answer in turn, such as `503 Busy`, with a body after an empty line; after them all is 200.
    public convenience init(answers: [String] = []) throws {
        try self.init(away: answers)
        start()
    }

    private init(away answers: [String]) throws {
        state = Mutex((posts: [], answers: answers, isHeld: false))
        listener = try LoopbackListener()
    }

    /// One that refuses connections until ``start()``, and has its port already, which nobody else can take meanwhile.
    public static func away() throws -> Sink { try Sink(away: []) }

    /// Takes connections from now on.
    public func start() {
        listener.accept(for: self) { sink, connection in sink.serve(connection) }
    }

    deinit { stop() }

    /// Takes no more connections.
    public func stop() { listener.stop() }

    public var port: UInt16 { listener.port }
    public var url: String { "http://127.0.0.1:\(port)/hook" }
    public var posts: [Post] { state.withLock { $0.posts } }

    /// While held, requests are taken and kept, and not answered.
    public func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }

    private func serve(_ connection: Int32) {
        var received = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
                let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                let headers = Dictionary(
                    lines.dropFirst().map { line in
                        let parts = line.split(separator: ":", maxSplits: 1)
                        return (parts[0].lowercased(), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
                    }
                ) { _, last in last }
                let length = Int(headers["content-length"] ?? "0") ?? 0
                if received.count - end.upperBound >= length {
                    let body = String(decoding: received[end.upperBound..<(end.upperBound + length)], as: UTF8.self)
                    let answer = state.withLock { state in
                        state.posts.append(Post(path: lines[0], headers: headers, body: body))
                        return state.answers.isEmpty ? "200 OK" : state.answers.removeFirst()
                    }
                    while state.withLock({ $0.isHeld }) { usleep(2000) }
                    let parts = answer.components(separatedBy: "\n\n")
                    let told = parts.count > 1 ? parts[1] : ""
                    let text =
                        "HTTP/1.1 \(parts[0])\r\nContent-Length: \(told.utf8.count)\r\nConnection: close\r\n\r\n\(told)"
                    _ = text.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
                    return
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return }
            received += chunk[..<count]
        }
    }
}
