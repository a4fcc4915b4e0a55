import Columns
import Foundation

/// Whether a file may be one that was rotated away from a log, by its name: `auth.log.2.gz`, `auth.log-20261120`,
/// `app-2026-11-26.0.log`.
struct RotatedName {
    private let name: [UInt8]
    private let stem: ArraySlice<UInt8>
    /// With its dot; empty where there is none.
    private let ending: ArraySlice<UInt8>

    /// - Parameter path: of the log.
    init(of path: String) {
        name = Array((path as NSString).lastPathComponent.utf8)
        let dot = name.lastIndex(of: UInt8(ascii: ".")).flatMap { $0 > 0 ? $0 : nil } ?? name.count
        stem = name[..<dot]
        ending = name[dot...]
    }

    func matches(_ other: String) -> Bool {
        let whole = Array(other.utf8)
        // What is behind the whole name may be anything: .1, -20261120, .old, .gz.
        if whole.count > name.count, whole.starts(with: name), Self.separators.contains(whole[name.count]) { return true }
        let other = Self.withoutCompression(whole[...])
        // What is put before the ending has to be a number or a date: "app-web.log" is another log than "app.log".
        guard !ending.isEmpty, other.count > name.count, other.starts(with: stem),
            other.suffix(ending.count).elementsEqual(ending)
        else { return false }
        let middle = other[(other.startIndex + stem.count)..<(other.endIndex - ending.count)]
        guard let first = middle.first, Self.separators.contains(first), middle.contains(where: \.isDigit) else {
            return false
        }
        return middle.allSatisfy {
            $0.isDigit || Self.separators.contains($0) || $0 == UInt8(ascii: "T") || $0 == UInt8(ascii: "Z")
        }
    }

    private static let separators: [UInt8] = Array(".-_".utf8)

    /// `app-2026-11-26.log.gz` is `app-2026-11-26.log`.
    private static func withoutCompression(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        for ending in Compression.endings
        where name.count > ending.utf8.count && name.suffix(ending.utf8.count).elementsEqual(ending.utf8) {
            return name.dropLast(ending.utf8.count)
        }
        return name
    }
}
