import Columns
import Foundation

/// How the body of a request is compressed: the header `Content-Encoding`.
enum BodyCoding {
    /// A body of a few KB can stand for gigabytes; what is larger than this decompressed is refused.
    static let maxLength = 64 << 20

    /// The body as it was before it was compressed.
    ///
    /// - Parameter encoding: as the sender says it; nil, empty or `identity` where the body is plain.
    /// - Throws: ``PushError`` when it is not known, the body is not compressed so, or is too long.
    static func decode(_ body: [UInt8], _ encoding: String?) throws(PushError) -> [UInt8] {
        let name = encoding.map { OutsideText($0).trimmed.lowercased() } ?? "identity"
        switch name {
        case "", "identity": return body
        case "gzip", "x-gzip": return try decode(body, by: Gzip(), name)
        case "deflate": return try decode(body, by: Gzip(isZlib: true), name)
        case "zstd":
            guard let decompressor = Zstandard() else { throw .tooBusy("there is no memory to decompress the body") }
            return try decode(body, by: decompressor, name)
        case "snappy":
            let text: [UInt8]?
            do { text = try Snappy.decompress(body.span, limit: maxLength) } catch {
                throw .damaged("the body is not compressed with 'snappy' as the header says (its block format)")
            }
            guard let text else { throw .tooLarge(limit: maxLength) }
            return text
        default: throw .unknownEncoding(name)
        }
    }

    private static func decode(_ body: [UInt8], by decompressor: any Decompressor, _ name: String) throws(PushError) -> [UInt8] {
        var text: [UInt8] = [], at = 0
        while true {
            var step = DecompressionStep()
            let isEnd = at == body.count
            let piece = [UInt8](unsafeUninitializedCapacity: 1 << 18) { room, count in
                body.withUnsafeBufferPointer { all in
                    step = decompressor.decompress(UnsafeBufferPointer(rebasing: all[at...]), isEnd: isEnd, into: room)
                }
                count = step.written
            }
            text += piece
            at += step.consumed
            guard text.count <= maxLength else { throw .tooLarge(limit: maxLength) }
            if let problem = step.problem {
                throw .damaged("\(problem); the header says that the body is compressed with '\(name)'")
            }
            if step.written == 0, step.consumed == 0 {
                guard isEnd, decompressor.mayEnd else { throw .damaged("the \(name) data of the body ends in the middle") }
                return text
            }
        }
    }
}
