import Columns

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The addresses of the machine that the program runs on.
enum MachineAddresses {
    /// Those of all interfaces, as they are now; none when the system does not say.
    static var all: [IPAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var addresses: [IPAddress] = []
        var next = first
        while let interface = next {
            next = interface.pointee.ifa_next
            guard let address = interface.pointee.ifa_addr else { continue }
            let length = address.pointee.sa_family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            guard [AF_INET, AF_INET6].contains(Int32(address.pointee.sa_family)) else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard getnameinfo(address, socklen_t(length), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
                continue
            }
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            if let address = IPAddress(bytes.span) { addresses.append(address) }
        }
        return addresses
    }
}

extension Blocklist {
    /// The addresses of this machine's interfaces, as they are now; none when the system does not say.
    public static var ownAddresses: [IPAddress] { MachineAddresses.all }
}
