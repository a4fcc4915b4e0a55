import Alerting
import Notify
import Incidents
import Testing

@testable import Configuration

struct `A YAML document` {
    struct Settings: Decodable, Equatable {
        struct Source: Decodable, Equatable {
            var name: String
            var file: String?
            var lines: Int?
        }
        var listen: String?
        var sources: [Source]?
        var labels: [String: String]?
        var isEnabled: Bool?
    }

    private func mistakes(_ text: String) -> [String] {
        do {
            _ = try YAMLDocument(text, file: "obs.yaml").decode(Settings.self)
            return []
        } catch {
            return error.mistakes.map(\.description)
        }
    }

    @Test func `decodes what a room declares`() throws {
        let settings = try YAMLDocument(
            """
            listen: "127.0.0.1:1"   # comment
            sources:
              - { name: auth, file: /var/log/auth.log, lines: 3 }
              - name: 12
            labels: {a: b, c: "1"}
            isEnabled: yes
            """, file: "obs.yaml"
        ).decode(Settings.self)
        #expect(
            settings
                == Settings(
                    listen: "127.0.0.1:1",
                    sources: [.init(name: "auth", file: "/var/log/auth.log", lines: 3), .init(name: "12")],
                    labels: ["a": "b", "c": "1"], isEnabled: true))
    }

    @Test func `is all defaults when it is empty`() throws {
        #expect(try YAMLDocument("# nothing\n", file: "obs.yaml").decode(Settings.self) == Settings())
    }

    @Test(arguments: [
        ("listen: x\nlisen: y", "obs.yaml:2: unknown key 'lisen'; did you mean 'listen'?"),
        ("sources:\n  - name: a\n    fil: b", "obs.yaml:3: unknown key 'fil' in sources[0]; did you mean 'file'?"),
        ("sources:\n  - file: b", "obs.yaml:2: sources[0] has no 'name', which must be given"),
        ("sources:\n  - name: a\n    lines: many", "obs.yaml:3: sources[0].lines is 'many'; write a whole number"),
        ("listen: [a]", "obs.yaml:1: listen is a list; write a text"),
        ("sources: 5", "obs.yaml:1: sources is a text; write a list"),
        ("isEnabled: maybe", "obs.yaml:1: isEnabled is 'maybe'; write true or false"),
        ("listen: a\nlisten: b", "obs.yaml:1: the key 'listen' is here twice"),
    ])
    func `says what is wrong, on which line, and the way out`(text: String, message: String) {
        #expect(mistakes(text) == [message])
    }

    @Test func `reports every mistake at once, each with its line and once`() {
        let text = """
            lissen: x
            sources:
              - name: a
                lines: many
                file: b
              - nam: c
                file: d
              - { name: [e], lines: 1 }
              - { name: f, line: 2 }
            labels: {any: key, other: [1]}
            isEnabled: maybe
            """
        #expect(
            mistakes(text).sorted() == [
                "obs.yaml:10: labels.other is a list; write a text",
                "obs.yaml:11: isEnabled is 'maybe'; write true or false",
                "obs.yaml:1: unknown key 'lissen'; did you mean 'listen'?",
                "obs.yaml:4: sources[0].lines is 'many'; write a whole number",
                "obs.yaml:6: unknown key 'nam' in sources[1]; did you mean 'name'?",
                "obs.yaml:8: sources[2].name is a list; write a text",
                "obs.yaml:9: unknown key 'line' in sources[3]; did you mean 'lines'?",
            ])
    }

    /// A bad value stops its type, which then has not asked for the keys behind it: those were called unknown.
    @Test(arguments: ["name", "file", "lines"])
    func `does not call the keys beside a bad value unknown`(key: String) {
        let good = ["name": "a", "file": "b", "lines": "3"]
        let entry = good.keys.sorted().map { "\($0): \($0 == key ? "{ x: 1 }" : good[$0]!)" }.joined(separator: ", ")
        #expect(mistakes("sources: [{ \(entry) }]\nother: 1").count == 2, "the bad value, and the one unknown key")
    }

    @Test(arguments: [
        ("a: 1\n\tb: 2", 2), ("a:\n  b: 1\n  \tc: 2", 3), ("\ta: 1", 1), ("a:\r\n\tb: 1", 2), ("# one\n\n\t- x", 3),
    ])
    func `says that a line is indented by a tab`(text: String, line: Int) {
        #expect(mistakes(text) == ["obs.yaml:\(line): this line is indented by a tab, which YAML does not allow; use spaces"])
    }

    struct Secretive: Decodable {
        enum Mode: String, Decodable, CaseIterable { case low, high, none = "" }
        var token: Secret
        var count: Int?
        var mode: Mode?
        var list: [String]?
    }

    /// A forgotten blank makes one key of a name and its secret; a forgotten dash or level puts one in place of a list.
    @Test(arguments: [
        "{ token:hunter2, count: 1 }", "token: x\ntoken=hunter2: 1", "token: x\nlist: hunter2", "token: x\ncount: abc:hunter2",
        "token: { a: hunter2 }", "token: [hunter2]", "- token: hunter2", "token:hunter2", "token: x\nother:hunter2: 1",
        "token: x\na:hunter2: 1\na:hunter2: 2", "token: x\nabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzhunter2: 1",
    ])
    func `shows no secret in what it says of a typing mistake`(text: String) throws {
        #expect {
            try YAMLDocument(text, file: "obs.yaml").decode(Secretive.self)
        } throws: { error in
            !"\(error)".contains("hunter2")
        }
    }

    @Test func `says which values there are to choose from`() {
        #expect {
            try YAMLDocument("token: x\nmode: hi", file: "obs.yaml").decode(Secretive.self)
        } throws: {
            "\($0)" == "obs.yaml:2: mode is 'hi'; write low, high or nothing"
        }
    }

    @Test(arguments: ["a: [", "\t- x", "&a *a", "{", "a: b: c", "\u{0}"])
    func `refuses what is no YAML with a line`(text: String) {
        #expect(!mistakes(text).isEmpty)
    }
}
