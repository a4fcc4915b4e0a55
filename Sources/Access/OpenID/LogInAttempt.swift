import Columns
import Crypto
import Foundation

/// A log-in by a provider that has begun: what obs must still know when the browser comes back.
///
/// obs keeps nothing of it, so that nobody can fill its memory by beginning log-ins. The browser keeps it in a cookie, sealed by
/// a key that lives as long as the process: the browser can neither read nor change the content.
package struct LogInAttempt: Codable, Sendable {
    /// Comes back with the code. A page of another site cannot know it, so that nobody can be logged in as somebody else.
    package let state: String
    /// Comes back in the token: one of another log-in is refused.
    let nonce: String
    /// The secret of PKCE: a code is worth nothing to whoever has seen it on its way.
    let verifier: String
    /// Where the provider sends the browser back to.
    let returnAddress: String
    /// The page of obs that is shown afterwards.
    package let next: String
    let startedAt: Timestamp

    /// How long a person may take to log in there.
    package static let lifetime = Duration.seconds(600)

    package init(returnAddress: String, next: String, now: Timestamp) {
        (state, nonce, verifier) = (Self.random(), Self.random(), Self.random())
        // A cookie has room for 4096 bytes.
        (self.returnAddress, self.next, startedAt) = (returnAddress, next.utf8.count > 1000 ? "" : next, now)
    }

    /// 256 bits.
    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return Base64URL.encode((0..<4).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64) { Array($0) } })
    }

    /// The query of the address that a browser is sent to.
    ///
    /// Source: OpenID Connect Core 1.0, §3.1.2.1; RFC 7636, §4.3.
    func query(_ settings: OpenIDSettings) -> [(String, String)] {
        [
            ("response_type", "code"), ("client_id", settings.clientID), ("redirect_uri", returnAddress),
            ("scope", settings.scopes.joined(separator: " ")), ("state", state), ("nonce", nonce),
            ("code_challenge", Base64URL.encode(SHA256.hash(data: Array(verifier.utf8)))), ("code_challenge_method", "S256"),
        ]
    }

    /// As the value of a cookie.
    package func sealed(by key: SymmetricKey) -> String {
        guard let bytes = try? JSONEncoder().encode(self), let box = try? AES.GCM.seal(bytes, using: key), let all = box.combined
        else { preconditionFailure("texts and a time can be written as JSON, and 256 bits are a key") }
        return Base64URL.encode(all)
    }

    /// One that ``sealed(by:)`` has made, and that is not too old; nil for anything else.
    package init?(sealed text: String, by key: SymmetricKey, now: Timestamp) {
        guard text.utf8.count <= 4096, let all = Base64URL.decode(text), let box = try? AES.GCM.SealedBox(combined: all),
            let bytes = try? AES.GCM.open(box, using: key), let attempt = try? JSONDecoder().decode(Self.self, from: bytes),
            now - attempt.startedAt < Self.lifetime
        else { return nil }
        self = attempt
    }
}

/// Base64 with letters that an address may have, and without padding.
///
/// Source: RFC 4648, §5; RFC 7515, §2.
enum Base64URL {
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let letters = Data(bytes).base64EncodedString().utf8.prefix { $0 != UInt8(ascii: "=") }.map { byte in
            byte == UInt8(ascii: "+") ? UInt8(ascii: "-") : byte == UInt8(ascii: "/") ? UInt8(ascii: "_") : byte
        }
        return String(decoding: letters, as: UTF8.self)
    }

    /// Nil for a text that is not of this alphabet.
    static func decode(_ text: String) -> Data? {
        var letters: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"): letters.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): letters.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: letters.append(byte)
            }
        }
        letters += [UInt8](repeating: UInt8(ascii: "="), count: (4 - letters.count % 4) % 4)
        return Data(base64Encoded: Data(letters))
    }
}
