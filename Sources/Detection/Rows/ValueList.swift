import Columns
import Foundation

/// Values that a rule makes an exception for, such as the addresses of an office: addresses, networks (`10.0.0.0/8`,
/// `2001:db8::/32`) and exact texts, one a line in a file or in place. A file is read again when it has changed; one that is
/// missing is an empty list.
final class ValueList {
    private let file: String?
    private let note: @Sendable (DetectorNote) -> Void
    private var entries: Entries
    private var version: Version?
    private var isMissing = false

    /// A larger file is refused: it is not a list that somebody keeps.
    private static let maxFileSize = 16 << 20

    private struct Entries {
        var texts: Set<OutsideText> = []
        /// By family and length, so that an address is looked up once per length that is used.
        var networks: [Int: Set<IPAddress>] = [:]

        init(_ lines: some Sequence<String>) {
            for line in lines {
                let text = OutsideText(line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0].description)
                    .trimmed
                guard !text.isEmpty else { continue }
                guard let network = IPNetwork(text) else {
                    texts.insert(OutsideText(text))
                    continue
                }
                networks[network.length | (network.address.isIPv4 ? 256 : 0), default: []].insert(network.address)
            }
        }

        func contains(_ bytes: Span<UInt8>) -> Bool {
            if !networks.isEmpty, let address = IPAddress(bytes) {
                return networks.contains { key, addresses in
                    (key & 256 != 0) == address.isIPv4
                        && IPNetwork(address, length: key & 255).map { addresses.contains($0.address) } ?? false
                }
            }
            guard !texts.isEmpty else { return false }
            return texts.contains(OutsideText(bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }))
        }
    }

    private struct Version: Equatable {
        let size: Int
        let modified: Date
        let inode: UInt64
    }

    init(values: [String]) {
        file = nil
        note = { _ in }
        entries = Entries(values)
    }

    init(file: String, note: @escaping @Sendable (DetectorNote) -> Void) {
        self.file = file
        self.note = note
        entries = Entries([])
        refresh()
    }

    /// Reads the file again when it has changed. A file that cannot be read leaves the list as it is.
    func refresh() {
        guard let file else { return }
        guard let facts = try? FileManager.default.attributesOfItem(atPath: file), let size = facts[.size] as? Int else {
            if !isMissing { note(.listUnreadable(file: file, reason: "it is missing; the list is empty until it is there")) }
            (isMissing, version, entries) = (true, nil, Entries([]))
            return
        }
        let found = Version(
            size: size, modified: facts[.modificationDate] as? Date ?? .distantPast,
            inode: facts[.systemFileNumber] as? UInt64 ?? 0)
        guard found != version else { return }
        version = found
        guard size <= Self.maxFileSize, let bytes = FileManager.default.contents(atPath: file) else {
            note(.listUnreadable(file: file, reason: "it cannot be read, or has more than 16 MB; the list stays as it was"))
            return
        }
        isMissing = false
        entries = Entries(OutsideText(String(decoding: bytes, as: UTF8.self)).lines)
        note(.listRead(file: file))
    }

    /// The rows of `column` whose value is in the list; each distinct text of a dictionary is asked for once.
    func rows(of column: Column) -> [Bool] {
        if case .dictionary(let values) = column.values {
            var known = [Bool?](repeating: nil, count: values.dictionary.count)
            return (0..<column.count).map { row in
                guard !column.isNull(at: row) else { return false }
                let code = Int(values.codes[column.range.lowerBound + row])
                let isListed = known[code] ?? entries.contains(values.dictionary[code])
                known[code] = isListed
                return isListed
            }
        }
        return (0..<column.count).map { row in
            if case .text = column.values { return !column.isNull(at: row) && column.withBytes(at: row) { entries.contains($0) } }
            var text = column.label(at: row) ?? ""
            return text.withUTF8 { entries.contains($0.span) }
        }
    }
}
