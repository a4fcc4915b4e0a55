import Foundation
import JWTKit

/// The public keys by which the tokens of a provider are checked.
///
/// Source: RFC 7517; RFC 8725 for what is refused.
struct VerificationKeys: Sendable {
    private struct Entry: Decodable {
        /// Nil for a kind of key that is of no use here, such as a symmetric one: the others of the set are used all the same.
        let key: JWK?
        let use: String?

        private enum CodingKeys: CodingKey { case use }

        init(from decoder: any Decoder) throws {
            key = try? JWK(from: decoder)
            use = try? decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(String.self, forKey: .use)
        }
    }

    private struct Set: Decodable { let keys: [Entry] }

    private let keys: [JWK]

    /// A provider has a few. Each token is checked by one.
    private static let most = 100

    /// - Throws: ``OpenIDError/unavailable(_:)`` for what is not a set of keys, or has none that could be used.
    init(_ data: Data) throws(OpenIDError) {
        guard let set = try? JSONDecoder().decode(Set.self, from: data) else {
            throw .unavailable("its jwks_uri has no set of keys")
        }
        keys = set.keys.prefix(Self.most).filter { $0.use == nil || $0.use == "sig" }.compactMap(\.key).map { key in
            var key = key
            // A private part has no business there, and must not make a signer of what is for checking.
            (key.privateExponent, key.prime1, key.prime2) = (nil, nil, nil)
            return key
        }
        guard !keys.isEmpty else { throw .unavailable("its jwks_uri has no key for signatures") }
    }

    /// The signatures that are accepted. No `none`, and nothing symmetric: with those whoever knows the public key could sign.
    private static let families: [String: JWK.KeyType] = [
        "RS256": .rsa, "RS384": .rsa, "RS512": .rsa, "PS256": .rsa, "PS384": .rsa, "PS512": .rsa,
        "ES256": .ecdsa, "ES384": .ecdsa, "ES512": .ecdsa, "EdDSA": .octetKeyPair,
    ]

    /// Whether a token may be signed so.
    static func isAccepted(_ algorithm: String) -> Bool { families[algorithm] != nil }

    /// The key of a token; nil when there is none. A token that names no key may be checked by the only one of its kind.
    func key(named name: String?, for algorithm: String) -> JWK? {
        let fitting = keys.filter { key in
            key.keyType == Self.families[algorithm] && (key.algorithm == nil || key.algorithm?.rawValue == algorithm)
        }
        guard let name else { return fitting.count == 1 ? fitting[0] : nil }
        return fitting.first { $0.keyIdentifier?.string == name }
    }
}
