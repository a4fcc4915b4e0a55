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

    public let port: UInt16
    private let listener: LoopbackListener
    private let state: Mutex<(posts: [Post], answers: [String], isHeld: Bool)>
    private let isOpen = Mutex(true)

    /// - Parameter answers: status line and headers of each answer in turn, such as `503 Busy`, with a body after an empty line; after them all is 200.
    public convenience init(answers: [String] = []) throws {
        try self.init(away: LoopbackListener(isListening: false), answers: answers)
        start()
    }

    private init(away listener: LoopbackListener, answers: [String]) {
        state = Mutex(([], answers, false))
        self.listener = listener
        port = listener.port
    }

    /// One that refuses connections until ``start()``, and has its port already, which nobody else can take meanwhile.
    public static func away() throws -> Sink { Sink(away: try LoopbackListener(isListening: false), answers: []) }

    /// Takes connections from now on.
    public func start() {
        listener.listen()
        let opened = listener.descriptor
        Thread.detachNewThread { [weak self] in
            while case let connection = accept(opened, nil, nil), connection >= 0 {
                guard let sink = self else { break }
                Thread.detachNewThread { sink.serve(connection) }
            }
        }
    }

    deinit { stop() }

    /// Takes no more connections.
    public func stop() {
        // Closed twice, it could be somebody else's by then.
        guard
            isOpen.withLock({ isOpen in
                defer { isOpen = false }; return isOpen
            })
        else { return }
        shutdown(listener.descriptor, Int32(SHUT_RDWR))
        close(listener.descriptor)
    }

    public var url: String { "http://127.0.0.1:\(port)/hook" }
    public var posts: [Post] { state.withLock { $0.posts } }

    /// While held, requests are taken and kept, and not answered.
    public func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
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
