/// The checksums in the footers of obs: one of the footer, and one of each column chunk as it lies in the file, page headers
/// too. Those of the format are of single pages' bodies, and a bit that has changed in a footer can hide a column, or place it
/// elsewhere.
///
/// They are a pair of the footer's key-value metadata: `obs.checksums`, and eight hexadecimal digits for the footer (with zeros
/// in their own place) and for each chunk, in order. Other readers pass over them. They count only in a file that names obs as
/// its writer, because others copy such pairs into files that they write.
enum FooterSeal {
    static let key = "obs.checksums"
    private static let keyBytes = Array(key.utf8)

    /// The value before the footer's own checksum is known.
    static func unclosed(_ groups: [ParquetFormat.RowGroup]) -> String {
        CommitSeal.unset + groups.flatMap(\.columns).map { CommitSeal.text($0.checksum ?? 0) }.joined()
    }

    /// The footer with its own checksum in its place.
    static func closed(_ footer: [UInt8]) -> [UInt8] {
        guard let place = place(in: footer) else { preconditionFailure("a footer has a place for its checksum") }
        var footer = footer
        footer.replaceSubrange(place..<(place + 8), with: CommitSeal.text(CommitSeal.checksum(footer)).utf8)
        return footer
    }

    /// Whether the footer is one of obs and not what its checksum is of, judged by its bytes alone.
    static func isBroken(_ footer: [UInt8]) -> Bool {
        let creator = [UInt8(ParquetFormat.creator.utf8.count)] + Array(ParquetFormat.creator.utf8)
        guard let place = place(in: footer), footer[(place + 8)...].firstRange(of: creator) != nil else { return false }
        var unclosed = footer
        unclosed.replaceSubrange(place..<(place + 8), with: CommitSeal.unset.utf8)
        return !footer[place..<(place + 8)].elementsEqual(CommitSeal.text(CommitSeal.checksum(unclosed)).utf8)
    }

    /// The checksums of the chunks, or nil when the footer is not what its own is of.
    static func open(_ value: [UInt8], in footer: [UInt8], chunks: Int) -> [UInt32]? {
        guard value.count == 8 * (chunks + 1), let place = place(in: footer) else { return nil }
        var unclosed = footer
        unclosed.replaceSubrange(place..<(place + 8), with: CommitSeal.unset.utf8)
        guard value[..<8].elementsEqual(CommitSeal.text(CommitSeal.checksum(unclosed)).utf8) else { return nil }
        return (1...max(1, chunks)).prefix(chunks).map { chunk in
            value[(chunk * 8)..<(chunk * 8 + 8)].reduce(0) { $0 << 4 | UInt32(Self.digit($1)) }
        }
    }

    /// Where the value begins: behind the last place at which its key is, since names of columns come before, and behind
    /// the header and the length of the value.
    private static func place(in footer: [UInt8]) -> Int? {
        guard footer.count > keyBytes.count else { return nil }
        for start in (0...(footer.count - keyBytes.count)).reversed()
        where footer[start] == keyBytes[0] && footer[start..<(start + keyBytes.count)].elementsEqual(keyBytes) {
            var at = start + keyBytes.count + 1
            // A varint: all bytes but its last have the highest bit.
            while at < footer.count, footer[at] >= 0x80 { at += 1 }
            return at + 9 <= footer.count ? at + 1 : nil
        }
        return nil
    }

    /// The value of a hexadecimal digit; the checksum of the footer says that it is one.
    private static func digit(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "a") ? byte &- UInt8(ascii: "a") &+ 10 : byte &- UInt8(ascii: "0")
    }
}
