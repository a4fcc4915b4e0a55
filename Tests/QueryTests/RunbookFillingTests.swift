import Alerting
import Columns
import Detection
import Foundation
import TestSupport
import Testing

@testable import Incidents
@testable import Query

struct `The commands of a runbook` {
    private func filled(_ text: String, _ values: Labels) -> String { RunbookFilling(values).filled(text) }

    @Test func `are filled in within code, in blocks and spans, and nowhere else`() {
        let page = """
            # {incident}

            See `obs query incident {incident}` of {incident}, and `{nothing}`.

            ```sh
            usermod -L {user} # {user}
            ```
            """
        #expect(
            filled(page, ["incident": "INC-1042", "user": "o'brien {incident}"]) == """
                # {incident}

                See `obs query incident INC-1042` of {incident}, and `{nothing}`.

                ```sh
                usermod -L 'o'\\''brien {incident}' # 'o'\\''brien {incident}'
                ```
                """)
    }

    @Test(arguments: [
        "root", "192.0.2.7", "2001:db8::1", "o'brien", "a b", "$(reboot)", "`reboot`", "a;b|c&d>e<f", "\"", "\\", "!!", "*?[a]",
        "~root", "#x", "{user}", "''", "ünï\u{301}code", "𝕏", "=x", "%1",
    ])
    func `are one word of a shell that is the text and no more, or are left as they are`(text: String) throws {
        guard let word = RunbookFilling.shellWord(text) else {
            #expect(text.contains("`"))
            return
        }
        for shell in ["sh", "bash"] { #expect(try run(shell, ["-c", "printf '%s|' x \(word) y"]) == "x|\(text)|y|", "\(word)") }
    }

    @Test(arguments: [
        "", "-rf", "--help", "a\nb", "a\r", "a\u{1B}[31m", "a\u{0}", "a`b", "a\u{202E}b", "a\u{200B}", "a\u{85}", "a\u{2028}b",
        String(repeating: "x", count: 1001), "\u{600}\u{301}",
    ])
    func `are not filled in with what could be more than a word`(text: String) {
        #expect(filled("`usermod -L {user}`", ["user": text]) == "`usermod -L {user}`")
    }

    @Test(arguments: [
        ("192.0.2.7", true), ("2001:db8::1%eth0", false), ("host-1.example", true), ("1.2.3.4 accept", false), ("a;b", false),
    ])
    func `take for an address only what may be one`(text: String, isFilled: Bool) {
        #expect(filled("`nft {source}`", ["source": text]) == (isFilled ? "`nft \(text)`" : "`nft {source}`"))
    }

    @Test func `are about the incident, its worst part and the machine of its evidence`() throws {
        let temporary = try TemporaryIncidents()
        var login = Finding.example("SSHSuccessAfterFailures", severity: .critical, at: .night)
        login.labels = ["source": "192.0.2.7", "user": "o'brien"]
        login.evidence[0].host = "gate-1"
        try temporary.record(login, at: .night)
        let view = try IncidentQuestions(temporary.incidents).one("1001", runbooks: "none", now: .night)
        let runbook = try #require(Runbook(folder: "none", name: view.incident.name)).filled(for: view)
        for line in ["obs incident ack INC-1001", "usermod -L 'o'\\''brien'", "last -n 10 'o'\\''brien'"] {
            #expect(runbook.text.contains(line), "\(line)")
        }
        let words = "'host=\"gate-1\", source=\"192.0.2.7\", user=\"o'\\''brien\"'"
        #expect(view.text.contains("obs query events \(words) --limit 20"), "\(view.text)")
        #expect(view.text.contains("last -n 10 'o'\\''brien'") && view.markdown.contains("last -n 10 'o'\\''brien'"))
    }

    @Test func `of all pages name only what can be filled in, each as a word of its own`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let folder = root.appending(path: "runbooks").path
        var named: Set<String> = []
        for name in Runbook.names(folder: folder) {
            let text = try #require(Runbook(folder: folder, name: name)).text
            #expect(!text.contains(/INC-\d|\b(USER|ADDRESS|HOST)\b/), "\(name)")
            for match in text.matches(of: /(.?)\{([a-z]+)\}(.?)/) where !match.0.contains("{{") {
                guard RunbookFilling.names.contains(String(match.2)) else { continue }
                named.insert(String(match.2))
                #expect(match.1 == " " && (match.3 == "" || " `)".contains(match.3)), "\(name): \(match.0)")
            }
        }
        #expect(named.isSuperset(of: ["incident", "source", "user", "matchers"]))
    }
}
