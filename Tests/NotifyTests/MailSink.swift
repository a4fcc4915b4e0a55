import Foundation
import Glibc
import Synchronization
import TestSupport

/// A mail server on a port of its own: says what it offers, keeps what it is told, and answers as it is told to.
final class MailSink: Sendable {
    struct Delivery: Sendable, Equatable {
        var commands: [String] = []
        var message = ""
        /// What came after it had agreed to encrypt the line.
        var afterStartTLS: [UInt8] = []
    }

    private let listener: LoopbackListener
    private let offers: [String]
    private let state: Mutex<(deliveries: [Delivery], refusals: [String: String])>

    /// - Parameters:
    ///   - offers: what stands in its greeting, such as `STARTTLS` or `AUTH PLAIN`.
    ///   - refusals: the first answer to a command that begins so, such as `RCPT`: `550 no such user`.
    init(offers: [String] = [], refusals: [String: String] = [:]) throws {
        self.offers = offers
        state = Mutex(([], refusals))
        listener = try LoopbackListener()
        listener.accept(for: self) { sink, connection in sink.serve(connection) }
    }

    deinit { listener.stop() }

    var port: UInt16 { listener.port }
    var deliveries: [Delivery] { state.withLock { $0.deliveries } }

    private func serve(_ connection: Int32) {
        let index = state.withLock { state in
            state.deliveries.append(Delivery())
            return state.deliveries.count - 1
        }
        var buffer: [UInt8] = []
        func say(_ text: String) { _ = (text + "\r\n").withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) } }
        func more() -> Bool {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return false }
            buffer += chunk[..<count]
            return true
        }
        func line() -> String? {
            while true {
                if let end = buffer.firstRange(of: [13, 10]) {
                    defer { buffer.removeSubrange(..<end.upperBound) }
                    return String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
                }
                guard more() else { return nil }
            }
        }
        say("220 sink ESMTP")
        while let command = line() {
            let refusal = state.withLock { state -> String? in
                state.deliveries[index].commands.append(command)
                guard let key = state.refusals.keys.first(where: command.hasPrefix) else { return nil }
                return state.refusals.removeValue(forKey: key)
            }
            if let refusal {
                say(refusal)
                continue
            }
            switch command.prefix(4).uppercased() {
            case "EHLO":
                let lines = ["sink"] + offers
                for (number, offer) in lines.enumerated() { say("250\(number == lines.count - 1 ? " " : "-")\(offer)") }
            case "STAR":
                say("220 go on")
                guard more() else { return }
                state.withLock { $0.deliveries[index].afterStartTLS = buffer }
                return
            case "AUTH":
                if command.hasPrefix("AUTH LOGIN"), command.split(separator: " ").count == 2 {
                    say("334 VXNlcm5hbWU6")
                    note(line(), index)
                    say("334 UGFzc3dvcmQ6")
                    note(line(), index)
                } else if command == "AUTH PLAIN" {
                    say("334 ")
                    note(line(), index)
                } else if command == "AUTH CRAM-MD5" {
                    say("334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
                    note(line(), index)
                }
                say("235 welcome")
            case "DATA":
                say("354 go on")
                while buffer.firstRange(of: Array("\r\n.\r\n".utf8)) == nil { guard more() else { return } }
                let end = buffer.firstRange(of: Array("\r\n.\r\n".utf8))!
                let text = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
                buffer.removeSubrange(..<end.upperBound)
                let answer = state.withLock { state in
                    state.deliveries[index].message = text.replacing("\r\n..", with: "\r\n.")
                    return state.refusals.removeValue(forKey: ".")
                }
                say(answer ?? "250 taken")
            case "QUIT":
                say("221 bye")
                return
            default: say("250 ok")
            }
        }
    }

    private func note(_ line: String?, _ index: Int) {
        if let line { state.withLock { $0.deliveries[index].commands.append(line) } }
    }
}
