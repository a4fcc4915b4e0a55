import Testing

@testable import Detection

struct `A text with names` {
    @Test(arguments: [
        ("{a} and {b}", "<a> and <b>"), ("{a}{a}", "<a><a>"), ("no name", "no name"), ("", ""), ("{c} {a", "{c} {a"),
        ("{{a}}", "{<a>}"),
        ("a} {b}", "a} <b>"), ("{", "{"),
    ])
    func `is filled where a name is known`(text: String, filled: String) {
        #expect(TextTemplate(text, names: ["a", "b"]).filled { "<\($0)>" } == filled)
    }

    @Test func `never looks into what it was filled with`() {
        #expect(
            TextTemplate("{user} {count}", names: ["user", "count"]).filled { $0 == "user" ? "{count}" : "7" } == "{count} 7")
    }
}
