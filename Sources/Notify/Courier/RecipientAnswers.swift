/// The response of a mail server to each recipient.
///
/// Source: RFC 5321 §4.2, §4.3.2.
struct RecipientAnswers {
    struct Refusal: Equatable {
        var recipient: String
        /// Such as `550 5.1.1 no such user`.
        var answer: String
        /// 4yz: it may accept it later.
        var isPassing: Bool
    }

    private(set) var taken: [String] = []
    private(set) var refused: [Refusal] = []

    /// - Parameter conversation: lines that begin with `>` (a command; only `RCPT` with its text) or `<` (a line of an answer).
    init(_ conversation: String) {
        var asked: String?
        for line in conversation.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
            let rest = line.dropFirst()
            guard line.first == UInt8(ascii: "<") else {
                asked = Self.recipient(rest)
                continue
            }
            // The last line of a response has no dash after its code.
            guard let recipient = asked, rest.count >= 3, rest.dropFirst(3).first != UInt8(ascii: "-") else { continue }
            asked = nil
            if rest.first == UInt8(ascii: "2") {
                taken.append(recipient)
            } else {
                let answer = Redaction.clean(String(decoding: rest, as: UTF8.self), [], limit: 200)
                refused.append(Refusal(recipient: recipient, answer: answer, isPassing: rest.first == UInt8(ascii: "4")))
            }
        }
    }

    /// The address in `RCPT TO:<bob@example.org> NOTIFY=…`.
    private static func recipient(_ command: Substring.UTF8View) -> String? {
        guard let start = command.firstIndex(of: UInt8(ascii: "<")), let end = command[start...].firstIndex(of: UInt8(ascii: ">"))
        else {
            return nil
        }
        return String(decoding: command[command.index(after: start)..<end], as: UTF8.self)
    }

    /// The refused recipients with the server's words: the first few, and how many more.
    var problem: String {
        let named = refused.prefix(5).map { "\($0.recipient) was refused: \($0.answer)" }
        return (named + (refused.count > 5 ? ["and \(refused.count - 5) more"] : [])).joined(separator: "; ")
    }
}
