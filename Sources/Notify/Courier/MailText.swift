import Columns
import Foundation

/// Mails in the form that servers accept: lines of at most 76 characters of ASCII that end in CR LF.
enum MailText {
    /// - Parameter parts: the same text in several types, the preferred one last.
    ///
    /// Source: RFC 5322, RFC 2046 §5.1.4.
    static func compose(_ headers: [String: String], _ parts: [(type: String, text: String)], boundary: String) -> Data {
        var lines = headers.sorted { $0.key < $1.key }.map { header($0.key, $0.value) }
        lines += ["MIME-Version: 1.0", "Content-Type: multipart/alternative; boundary=\"\(boundary)\"", ""]
        for part in parts {
            lines += [
                "--\(boundary)", "Content-Type: \(part.type); charset=UTF-8", "Content-Transfer-Encoding: quoted-printable", "",
                quotedPrintable(part.text),
            ]
        }
        lines += ["--\(boundary)--", ""]
        return Data(lines.joined(separator: "\r\n").utf8)
    }

    /// Headers with addresses, in which each name is encoded by itself.
    private static let ofAddresses: Set<String> = ["To", "From", "Cc", "Bcc", "Reply-To", "Sender", "Resent-To", "Resent-From"]

    /// One header; what is not ASCII is encoded, and no value can begin another header.
    ///
    /// Source: RFC 5322 §2.2, RFC 2047 §5.
    static func header(_ name: String, _ value: String) -> String {
        let line = OutsideText(OutsideText(value).inOneLine).trimmed
        if ofAddresses.contains(name), let list = try? MailAddress.list(line), !list.isEmpty {
            let entries = list.map(shown)
            let short = "\(name): \(entries.joined(separator: ", "))"
            return short.utf8.count <= 76 ? short : "\(name): \(entries.joined(separator: ",\r\n "))"
        }
        return "\(name): \(isPlain(line, limit: 900) ? line : words(line))"
    }

    /// Whether a text needs no encoding in a header: ASCII, not too long for a line, and nothing that would be read as an encoded
    /// word.
    private static func isPlain(_ text: String, limit: Int) -> Bool {
        text.utf8.count <= limit && text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
            && text.utf8.firstRange(of: "=?".utf8) == nil
    }

    /// An address with its name as headers have it: as it is, in quotes, or as encoded words, which must not be quoted (RFC 2047
    /// §5).
    private static func shown(_ address: MailAddress) -> String {
        guard let name = address.name else { return address.address }
        guard isPlain(name, limit: 200) else { return "\(words(name)) <\(address.address)>" }
        let isAtoms = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || "!#$%&'*+-/=?^_`{|}~ ".utf8.contains($0)
        }
        let quoted = name.unicodeScalars.reduce(into: String.UnicodeScalarView()) { quoted, scalar in
            if scalar == "\"" || scalar == "\\" { quoted.append("\\") }
            quoted.append(scalar)
        }
        return (isAtoms ? name : "\"\(String(quoted))\"") + " <\(address.address)>"
    }

    /// Encoded words, each of which holds whole characters and at most 75 bytes.
    ///
    /// Source: RFC 2047 §2, encoding B.
    private static func words(_ text: String) -> String {
        var words: [String] = []
        var current: [UInt8] = []
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if current.count + bytes.count > 45 {
                words.append(encoded(current))
                current = []
            }
            current += bytes
        }
        if !current.isEmpty { words.append(encoded(current)) }
        return words.joined(separator: "\r\n ")
    }

    private static func encoded(_ bytes: [UInt8]) -> String { "=?UTF-8?B?\(Data(bytes).base64EncodedString())?=" }

    /// Source: RFC 2045 §6.7.
    static func quotedPrintable(_ text: String) -> String {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.enumerated().map { index, line in
            // CR LF ends a line as LF does.
            let line = index < lines.count - 1 && line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            var encoded = ""
            var width = 0
            for (index, byte) in line.enumerated() {
                let isLast = index == line.count - 1
                let isPlain =
                    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
                    ? !isLast : (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=")
                let piece = isPlain ? String(UnicodeScalar(byte)) : "=\(hex(byte))"
                if width + piece.utf8.count > 75 {
                    encoded += "=\r\n"
                    width = 0
                }
                encoded += piece
                width += piece.utf8.count
            }
            return encoded
        }.joined(separator: "\r\n")
    }

    private static func hex(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16, uppercase: true)
        return text.count == 1 ? "0" + text : text
    }

    /// `Sat, 21 Nov 2026 10:00:00 +0000`.
    static func date(_ time: Timestamp) -> String {
        let parts = time.components
        let days = Timestamp.days(year: parts.year, month: parts.month, day: parts.day)
        // 1970-01-01 was a Thursday.
        let weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][((days + 4) % 7 + 7) % 7]
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][parts.month - 1]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            """
            \(weekday), \(two(parts.day)) \(month) \(parts.year) \
            \(two(parts.hour)):\(two(parts.minute)):\(two(parts.second)) +0000
            """
    }
}
