internal import Crypto
internal import CryptoExtras
import Foundation

/// An encrypted copy of a file, which shows that it is whole: in pieces of 64 KiB, each sealed by ChaCha20-Poly1305 with a nonce
/// that holds its number and whether it is the last. So a piece that is changed, missing, moved, or of another file does not
/// open, and nor does a file whose end is missing.
///
///     "obs-sealed-1\n" ‖ how the key is made (1) ‖ log₂ N (1) ‖ salt (16) ‖ nonce (7) ‖ piece …
///     nonce of a piece = nonce (7) ‖ number, big endian (4) ‖ 1 for the last, else 0 (1)
///     piece = up to 65,536 bytes ‖ tag (16); the head is authenticated with each
///
/// The key comes from a passphrase by scrypt (RFC 7914; r = 8, p = 1), or from the bytes of a key file by HKDF-SHA-256 (RFC
/// 5869), each with the salt of the file.
///
/// Source: Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO
/// 2015, STREAM.
package struct SealedFile {
    /// What a file is sealed with.
    package enum Secret: Sendable {
        /// What a person knows: slow to try.
        case passphrase(String)
        /// At least 32 random bytes.
        case key(Data)
    }

    static let title = Data("obs-sealed-1\n".utf8)
    private static let headLength = title.count + 2 + 16 + 7
    private static let pieceLength = 65_536, tagLength = 16
    /// scrypt with N = 2¹⁷ takes 128 MiB and a third of a second. A file that asks for more than 2²⁰ is not one of obs's.
    private static let rounds: UInt8 = 17, maxRounds: UInt8 = 20
    private static let maxPieces = Int(UInt32.max)

    /// Whether a file is a sealed one.
    package static func isOne(_ path: String) -> Bool {
        guard let file = FileHandle(forReadingAtPath: path) else { return false }
        defer { try? file.close() }
        return (try? file.read(upToCount: title.count)) == title
    }

    /// Seals `source` into the new file `target`, which only its owner may read.
    ///
    /// - Parameter rounds: log₂ of scrypt's N; tests take fewer.
    package static func seal(_ source: String, as target: String, with secret: Secret, rounds: UInt8 = rounds) throws {
        var random = SystemRandomNumberGenerator()
        func bytes(_ count: Int) -> Data { Data((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }) }
        let way: UInt8 = if case .passphrase = secret { 1 } else { 2 }
        let head = title + Data([way, rounds]) + bytes(16) + bytes(7)
        let key = try key(of: secret, head, source)
        let input = try reading(source)
        defer { try? input.close() }
        let descriptor = Foundation.open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError.cannotSeal(path: target, reason: String(cString: strerror(errno))) }
        let output = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try output.write(contentsOf: head)
        var piece = try input.read(upToCount: pieceLength) ?? Data(), number = 0
        while true {
            let next = piece.count < pieceLength ? Data() : try input.read(upToCount: pieceLength) ?? Data()
            guard number < maxPieces else { throw StoreError.cannotSeal(path: source, reason: "it is larger than 256 TiB") }
            let box = try ChaChaPoly.seal(
                piece, using: key, nonce: nonce(head, number, isLast: next.isEmpty), authenticating: head)
            try output.write(contentsOf: box.ciphertext + box.tag)
            if next.isEmpty { break }
            (piece, number) = (next, number + 1)
        }
        try output.synchronize()
        try output.close()
    }

    /// Opens the sealed file `source` into the new file `target`, which is not there when it throws.
    ///
    /// - Throws: ``StoreError/badBackup(path:reason:)`` for a wrong secret and for a file that is not as it was sealed.
    package static func open(_ source: String, as target: String, with secret: Secret) throws {
        func refuse(_ reason: String) -> StoreError { .badBackup(path: source, reason: reason) }
        let input = try reading(source)
        defer { try? input.close() }
        let head = try input.read(upToCount: headLength) ?? Data()
        guard head.count == headLength, head.starts(with: title) else {
            throw refuse("its beginning is not that of an encrypted backup")
        }
        let way = head[title.count], rounds = head[title.count + 1]
        let wanted: UInt8 = if case .passphrase = secret { 1 } else { 2 }
        guard way == wanted, (1...maxRounds).contains(rounds) else {
            throw refuse(
                way == 1
                    ? "it was encrypted with a passphrase"
                    : way == 2 ? "it was encrypted with a key file" : "its beginning is damaged")
        }
        let key = try key(of: secret, head, source)
        let descriptor = Foundation.open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError.cannotSeal(path: target, reason: String(cString: strerror(errno))) }
        let output = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var isWhole = false
        defer { if !isWhole { unlink(target) } }
        let length = pieceLength + tagLength
        var piece = try input.read(upToCount: length) ?? Data(), number = 0
        while true {
            let next = piece.count < length ? Data() : try input.read(upToCount: length) ?? Data()
            guard piece.count >= tagLength, number < maxPieces,
                let box = try? ChaChaPoly.SealedBox(
                    nonce: nonce(head, number, isLast: next.isEmpty), ciphertext: piece.dropLast(tagLength),
                    tag: piece.suffix(tagLength)),
                let bytes = try? ChaChaPoly.open(box, using: key, authenticating: head)
            else {
                throw refuse(
                    number == 0
                        ? "it does not open: the passphrase or the key is another, or its beginning is damaged"
                        : "it is damaged or cut off behind byte \(headLength + number * length)")
            }
            try output.write(contentsOf: bytes)
            if next.isEmpty { break }
            (piece, number) = (next, number + 1)
        }
        try output.synchronize()
        try output.close()
        isWhole = true
    }

    private static func reading(_ path: String) throws -> FileHandle {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw StoreError.cannotSeal(path: path, reason: String(cString: strerror(errno)))
        }
        return file
    }

    private static func nonce(_ head: Data, _ number: Int, isLast: Bool) throws -> ChaChaPoly.Nonce {
        let counter = withUnsafeBytes(of: UInt32(number).bigEndian) { Data($0) }
        return try ChaChaPoly.Nonce(data: head.suffix(7) + counter + Data([isLast ? 1 : 0]))
    }

    private static func key(of secret: Secret, _ head: Data, _ path: String) throws -> SymmetricKey {
        let salt = head.dropFirst(title.count + 2).prefix(16)
        switch secret {
        case .passphrase(let text):
            guard text.utf8.count >= 8 else {
                throw StoreError.cannotSeal(path: path, reason: "the passphrase has less than 8 bytes")
            }
            return try KDF.Scrypt.deriveKey(
                from: Data(text.utf8), salt: salt, outputByteCount: 32, rounds: 1 << Int(head[title.count + 1]), blockSize: 8,
                parallelism: 1, maxMemory: 2 << 30)
        case .key(let bytes):
            guard bytes.count >= 32 else {
                throw StoreError.cannotSeal(path: path, reason: "the key file has less than 32 bytes")
            }
            return HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: bytes), salt: salt, info: Data("obs-sealed-1".utf8), outputByteCount: 32)
        }
    }
}
