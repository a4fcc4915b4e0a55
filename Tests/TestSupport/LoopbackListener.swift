import Foundation
import Glibc

/// A socket that listens on 127.0.0.1; closing it is its owner's.
public struct LoopbackListener: Sendable {
    public let descriptor: Int32
    public let port: UInt16

    /// - Parameters:
    ///   - port: 0 takes one that is free.
    ///   - isListening: else the port is held and refuses connections until ``listen()``.
    /// - Throws: `POSIXError` when the port is in use.
    public init(port: UInt16 = 0, isListening: Bool = true) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound, !isListening || Glibc.listen(descriptor, 64) == 0 else {
            let failure = POSIXError(.init(rawValue: errno) ?? .EADDRINUSE)
            close(descriptor)
            throw failure
        }
        self.port = UInt16(bigEndian: address.sin_port)
    }

    /// Takes connections from now on.
    public func listen() { _ = Glibc.listen(descriptor, 64) }
}

/// A port that is free now.
public func freePort() -> Int {
    guard let listener = try? LoopbackListener() else { preconditionFailure("no port is free") }
    close(listener.descriptor)
    return Int(listener.port)
}
