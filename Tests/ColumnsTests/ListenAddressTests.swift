import Columns
import Testing

struct `An address to listen on` {
    @Test(arguments: [
        ("127.0.0.1:9464", "127.0.0.1", 9464), ("[::]:601", "::", 601), ("[2001:db8::1]:0", "2001:db8::1", 0),
        ("localhost:65535", "localhost", 65_535), (":514", "0.0.0.0", 514),
    ])
    func `is a host and a port`(text: String, host: String, port: Int) throws {
        let address = try #require(ListenAddress(text))
        #expect(address.host == host && address.port == port)
        #expect(ListenAddress(address.description) == address)
    }

    @Test(arguments: [
        "", ":", "9464", "host", "host:", "host:65536", "host:-1", "host:+1", "host: 1", "::1:80", "[]:80", "host:٣",
    ])
    func `is nothing else`(text: String) {
        #expect(ListenAddress(text) == nil)
    }
}
