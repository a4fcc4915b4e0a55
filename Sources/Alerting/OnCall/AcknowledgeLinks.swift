import Columns
import Crypto
import Foundation

/// Makes and checks the links by which somebody who was told of an incident acknowledges it without logging in anywhere.
///
/// A link is good for one incident and until a time; both are in it, under an HMAC with a key that never leaves the data directory. Whoever has the link may
/// acknowledge that incident, and nothing else: it is as secret as the notification that it came in.
public struct AcknowledgeLinks: Sendable {
    private let key: SymmetricKey

    /// How long a link is good: at least so long, at most a day longer.
    static let validity = Duration.seconds(86_400)

    /// Reads the key from the folder of the database, or makes it there, readable by its owner alone.
    public init(besides database: String) throws {
        let path = (database as NSString).deletingLastPathComponent + "/acknowledge.key"
        let fresh = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        // Of two processes that start at once one makes it, and both read it.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        if descriptor >= 0 {
            let count = fresh.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            fsync(descriptor)
            close(descriptor)
            guard count == fresh.count else {
                unlink(path)
                throw AlertingError.badLink(
                    "\(path): the key of acknowledge links cannot be written; see whether the disk is full")
            }
        }
        guard let bytes = FileManager.default.contents(atPath: path), bytes.count == fresh.count else {
            throw AlertingError.badLink(
                "\(path): this is no key of acknowledge links; remove the file, and a new one is made at the next start")
        }
        key = SymmetricKey(data: bytes)
    }

    /// What a notification leads to. Within a day the same incident has the same link, so that a text that is sent again is the same text.
    public func url(_ id: String, _ externalURL: String, now: Timestamp) -> String {
        let day = Self.validity.inMicroseconds
        let expires = (now.microseconds / day + 2) * day / 1_000_000
        return "\(externalURL)/incidents/\(id)/acknowledge?expires=\(expires)&signature=\(hex(id, expires))"
    }

    /// - Throws: ``AlertingError/badLink(_:)`` when the link was not made here for this incident, or has expired.
    public func check(_ id: String, expires: String?, signature: String?, now: Timestamp) throws(AlertingError) {
        guard let expires = expires.flatMap({ Int64($0) }), let signature = signature.flatMap(Self.bytes),
            HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: Self.message(id, expires), using: key)
        else {
            throw .badLink(
                "this link was not made by this obs for \(id); use the one in the notification, or 'obs incident ack \(id)'")
        }
        guard now < Timestamp(seconds: expires) else {
            throw .badLink("this link has expired; use the one in a newer notification, or 'obs incident ack \(id)'")
        }
    }

    private func hex(_ id: String, _ expires: Int64) -> String {
        HMAC<SHA256>.authenticationCode(for: Self.message(id, expires), using: key).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    private static func message(_ id: String, _ expires: Int64) -> Data { Data("acknowledge\n\(id)\n\(expires)".utf8) }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard hex.utf8.count == 64, digits.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }
}
