import Testing

@testable import Daemon

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
        ("sources: 5", "obs.yaml:1: sources is '5'; write a list"),
        ("isEnabled: maybe", "obs.yaml:1: isEnabled is 'maybe'; write true or false"),
        ("listen: a\nlisten: b", "obs.yaml:1: the key 'listen' stands here twice"),
    ])
    func `says what is wrong, on which line, and the way out`(text: String, message: String) {
        #expect(mistakes(text) == [message])
    }

    @Test func `reports every unknown key at once`() {
        #expect(mistakes("aa: 1\nbb: 2\nlabels: {any: key}").count == 2)
    }

    @Test(arguments: ["a: [", "\t- x", "&a *a", "{", "a: b: c", "\u{0}"])
    func `refuses what is no YAML with a line`(text: String) {
        #expect(!mistakes(text).isEmpty)
    }
}
