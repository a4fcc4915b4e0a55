import Crypto
import CryptoExtras
import Foundation

/// A password as it is kept: by scrypt, whose memory makes trying many of them expensive, with a salt of its own.
///
/// 32 MiB and three passes, about a tenth of a second.
///
/// Source: RFC 7914; OWASP, Password Storage Cheat Sheet (N = 2¹⁵, r = 8, p = 3).
struct PasswordHash {
    private static let cost = (rounds: 1 << 15, blockSize: 8, parallelism: 3)
    private static let length = 32

    /// `scrypt$32768$8$3$SALT$HASH`, both as Base64. The parameters are kept with it, so that they can grow.
    let text: String

    /// A text that ``init(_:)`` has made before.
    init(text: String) {
        self.text = text
    }

    /// The hash of a password.
    init(_ password: String) throws {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<2).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64) { Array($0) } }
        let key = try Self.key(of: password, salt: salt, Self.cost)
        let hash = key.withUnsafeBytes { Data($0) }
        text =
            "scrypt$\(Self.cost.rounds)$\(Self.cost.blockSize)$\(Self.cost.parallelism)$\(Data(salt).base64EncodedString())$"
            + hash.base64EncodedString()
    }

    /// Whether it is the hash of `password`. Takes the same time whether it is or not.
    func matches(_ password: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "$")).map { String(Substring($0)) }
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]), let salt = Data(base64Encoded: parts[4]),
            let hash = Data(base64Encoded: parts[5]), hash.count == Self.length, !password.isEmpty,
            let key = try? Self.key(of: password, salt: Array(salt), (rounds, blockSize, parallelism))
        else { return false }
        // The comparison of keys takes constant time.
        return key == SymmetricKey(data: hash)
    }

    /// The same password typed on another keyboard may come in another form of Unicode.
    ///
    /// Source: NIST SP 800-63B §3.1.1.2.
    private static func key(
        of password: String, salt: [UInt8], _ cost: (rounds: Int, blockSize: Int, parallelism: Int)
    ) throws -> SymmetricKey {
        try KDF.Scrypt.deriveKey(
            from: Data(password.precomposedStringWithCompatibilityMapping.utf8), salt: salt, outputByteCount: length,
            rounds: cost.rounds, blockSize: cost.blockSize, parallelism: cost.parallelism)
    }

    /// - Throws: ``AccessError/badPassword(_:)`` for one that is easy to guess.
    static func check(_ password: String, of name: String) throws(AccessError) {
        let length = password.unicodeScalars.count
        guard length >= 12 else { throw .badPassword("it has \(length) characters; write at least 12, such as four words") }
        guard password.utf8.count <= 1000 else { throw .badPassword("it has more than 1000 bytes") }
        guard Set(password.unicodeScalars).count >= 5 else {
            throw .badPassword("it has the same few characters again and again")
        }
        guard password.lowercased().utf8.firstRange(of: name.lowercased().utf8) == nil else {
            throw .badPassword("it contains the name of the user")
        }
    }
}
