import Columns
import Incidents
import Crypto
import Foundation
import Logging
import Telemetry

/// Makes and checks the links by which somebody who was notified of an incident acknowledges it without logging in.
///
/// A link is good for one incident and until a time; both are in it, under an HMAC with a key that never leaves the data
/// directory. Whoever has the link may acknowledge that incident, and nothing else: it is as secret as the notification that it
/// came in.
public struct AcknowledgeLinks: Sendable {
    private let key: SymmetricKey

    /// How long a link is good: at least so long, at most a day longer.
    static let validity = Duration.seconds(86_400)

    /// What was wrong with the key that was there, and where it is kept now; nil when it was well.
    let damage: String?

    /// The links of a process that goes on without them when there can be none.
    ///
    /// - Returns: nil when the key can neither be read nor made; that, and a key that was damaged and replaced, are logged and
    ///   noted.
    public static func reporting(besides database: String, to health: HealthNotes, logger: Logger) -> AcknowledgeLinks? {
        do {
            let links = try AcknowledgeLinks(besides: database)
            if let damage = links.damage {
                health.note(.damagedFile, "acknowledge.key", damage)
                logger.error("the key of acknowledge links was damaged", metadata: ["error": "\(damage)"])
            }
            return links
        } catch {
            health.note(.damagedFile, "acknowledge.key", "\(error)")
            logger.error("notifications have no acknowledge links", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Reads the key from the folder of the database, or makes it there, readable by its owner alone. The file is the key and a
    /// checksum of it.
    ///
    /// A key that is damaged is put aside, and another takes its place: the links that it signed are not valid any more, all
    /// later ones are.
    public init(besides database: String) throws {
        let path = (database as NSString).deletingLastPathComponent + "/acknowledge.key"
        try Self.make(path)
        if let key = Self.read(path) {
            (self.key, damage) = (key, nil)
            return
        }
        // What cannot be read at the moment is not damaged: the links that it signed stay valid.
        guard FileManager.default.contents(atPath: path) != nil else {
            throw AlertingError.badLink(
                "\(path): the key of acknowledge links cannot be read; run obs as the user who owns it, and see whether the disk "
                    + "is failing")
        }
        var kept = path + ".damaged", number = 1
        while FileManager.default.fileExists(atPath: kept) {
            number += 1
            kept = "\(path).damaged-\(number)"
        }
        guard rename(path, kept) == 0 else {
            throw AlertingError.badLink(
                "\(path): the key of acknowledge links is damaged, and cannot be put aside; remove the file")
        }
        try Self.make(path)
        guard let key = Self.read(path) else {
            throw AlertingError.badLink(
                "\(path): the key of acknowledge links cannot be read back; see whether the disk is failing")
        }
        self.key = key
        damage =
            """
            \(path): the key of acknowledge links was damaged and is kept as \(kept); a new one is in its place, and links in \
            earlier notifications are not valid any more
            """
    }

    private static let keySize = 32

    /// Makes the key if there is none. Of two processes that start at once one makes it, and both read it.
    private static func make(_ path: String) throws {
        let fresh = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let content = fresh + checksum(fresh)
        // The file gets its name when it is complete: half a file would pass for a damaged one.
        let unfinished = "\(path).\(RandomName.uuid()).part"
        guard !FileManager.default.fileExists(atPath: path) else { return }
        let descriptor = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }  // whoever reads it says that it is not there
        defer { unlink(unfinished) }
        let count = content.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        fsync(descriptor)
        close(descriptor)
        guard count == content.count, link(unfinished, path) == 0 || errno == EEXIST else {
            throw AlertingError.badLink("\(path): the key of acknowledge links cannot be written; see whether the disk is full")
        }
    }

    /// The key in the file, or nil when it is not what was written.
    private static func read(_ path: String) -> SymmetricKey? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        let key = Array(bytes.prefix(keySize)), rest = Array(bytes.dropFirst(keySize))
        guard key.count == keySize, rest == checksum(key) else { return nil }
        return SymmetricKey(data: key)
    }

    /// Says nothing of the key to whoever has only this.
    private static func checksum(_ key: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: key).prefix(4)) }

    /// What is wrong with the key beside a database, or nil. Changes nothing.
    public static func problem(besides database: String) -> String? {
        let path = (database as NSString).deletingLastPathComponent + "/acknowledge.key"
        guard FileManager.default.contents(atPath: path) != nil else { return nil }
        return read(path) == nil
            ? "\(path): the key of acknowledge links is damaged; the next 'obs run' puts it aside and makes another" : nil
    }

    /// What a notification leads to. Within a day the same incident has the same link, so that a text that is sent again is the
    /// same text.
    public func url(_ id: String, _ externalURL: String, now: Timestamp) -> String {
        let day = Self.validity.inMicroseconds
        let expires = (now.microseconds / day + 2) * day / 1_000_000
        return "\(externalURL)/incidents/\(id)/acknowledge?expires=\(expires)&signature=\(hex(id, expires))"
    }

    /// - Throws: an error whose description says that the link was not made here for this incident, or has expired.
    public func check(_ id: String, expires: String?, signature: String?, now: Timestamp) throws {
        guard let expires = expires.flatMap({ Int64($0) }), let signature = signature.flatMap(Self.bytes),
            HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: Self.message(id, expires), using: key)
        else {
            throw AlertingError.badLink(
                "this link was not made by this obs for \(id); use the one in the notification, or 'obs incident ack \(id)'")
        }
        guard now < Timestamp(seconds: expires) else {
            throw AlertingError.badLink("this link has expired; use the one in a newer notification, or 'obs incident ack \(id)'")
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
