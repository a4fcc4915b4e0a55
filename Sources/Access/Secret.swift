import Crypto

/// A secret of 256 random bits, shown once: only its hash is kept.
///
/// A plain hash is enough, unlike for a password: nobody can try 2²⁵⁶ values. And finding the hash by an index takes no time from
/// which the secret could be learned, because what is compared are hashes.
struct Secret: Sendable {
    /// `obs_` and 64 hexadecimal digits: a scanner of published code knows it by that.
    let text: String

    /// A new one, from the system's random numbers.
    init() {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<4).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64) { Array($0) } }
        text = Self.mark + Self.hexadecimal(bytes)
    }

    static let mark = "obs_"

    /// How it begins: enough to recognize it in a list, and far too little to guess it.
    var prefix: String { String(text.utf8.prefix(Self.mark.utf8.count + 8))! }

    var hash: [UInt8] { Self.hash(text) }

    /// The SHA-256 of any text.
    static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
