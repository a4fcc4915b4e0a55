import Columns
import Foundation
import Testing

@testable import Notify
@testable import Alerting
@testable import Incidents

struct `A message template` {
    private func render(_ source: String, _ content: Notice = .sample()) throws -> String {
        MessageModel(content).text(try template(source))
    }

    /// By way of a variable: a literal would be one of the program's own.
    private func template(_ source: String) throws -> MessageTemplate { try MessageTemplate(source) }

    @Test func `names what the notification says`() throws {
        #expect(try render("{{status}} {{subject}}") == "firing [FIRING:1] SSHBruteForce (web1)")
        #expect(try render("{{#firing}}{{labels.source}} {{title}};{{/firing}}") == "192.0.2.7 Brute force from 192.0.2.7;")
        #expect(
            try render("{{#commonLabelPairs}}{{name}}={{value}} {{/commonLabelPairs}}") == "alertname=SSHBruteForce host=web1 ")
        #expect(
            try render("{{#isResolved}}no{{/isResolved}}{{^isResolved}}yes{{/isResolved}} {{numFiring}}/{{numResolved}}")
                == "yes 1/1")
        #expect(try render("{{! a remark }}{{uppercased(status)}}") == "FIRING")
    }

    @Test func `leaves values as they are in text and escapes them in HTML`() throws {
        let bold = try template("{{receiver}} <b>")
        func html(_ content: Notice) -> MessageModel { MessageModel(content) { OutsideText($0).html } }
        #expect(MessageModel(.sample()).text(bold) == "on<call> <b>")
        #expect(html(.sample()).text(bold) == "on&lt;call&gt; <b>")
        let partial = try MessageLibrary(["who": try template("({{receiver}})")])
        var content = Notice.sample()
        content.library = partial
        #expect(MessageModel(content).text(try template("{{>who}}")) == "(on<call>)")
        #expect(html(content).text(try template("{{>who}}")) == "(on&lt;call&gt;)")
    }

    @Test(arguments: [
        #"{{ template "slack.default.title" . }}"#, "{{ .CommonLabels.alertname }}", "{{ range .Alerts }}x{{ end }}",
        "{{ .Status | toUpper }}", "{{- .Status -}}", "{{ if eq .Status \"firing\" }}a{{ else }}b{{ end }}", "{{ len .Alerts }}",
        "{{ $x := 1 }}", "{{ end }}", "{{ (index .Alerts 0).Labels.a }}", "{{/* remark */}}", "{{ `a` }}",
    ])
    func `that is Go's is refused with a word on what to write`(source: String) {
        let complaint = #expect(throws: MessageTemplate.Malformed.self) { try MessageTemplate("a \(source) b") }
        #expect(complaint?.description.contains("holds a Go template") == true, "\(complaint?.description ?? "")")
        #expect(complaint?.description.contains("Mustache") == true)
    }

    @Test(arguments: [
        "{{subjet}}", "{{#alerts}}", "{{/alerts}}", "{{#a}}{{/b}}", "{{", "{{#nobody}}x{{/nobody}}", "{{=<% %>=}}",
        "{{<parent}}{{/parent}}",
        "{{$block}}{{/block}}", "{{>*name}}", "{{%CONTENT_TYPE:HTML}}", "{{.}}", "{{{subject}}", "{{}}",
        String(repeating: "{{#alerts}}", count: 20) + String(repeating: "{{/alerts}}", count: 20),
        String(repeating: "x", count: 70_000),
    ])
    func `that could not be rendered, or only to nothing, is refused`(source: String) {
        #expect(throws: MessageTemplate.Malformed.self) { try MessageTemplate(source) }
    }

    @Test func `must not include itself, nor what there is not`() throws {
        let a = try template("{{>b}}"), b = try template("{{>a}}")
        #expect(throws: MessageTemplate.Malformed.self) { try MessageLibrary(["a": a, "b": b]) }
        #expect(throws: MessageTemplate.Malformed.self) { try MessageLibrary(["a": a]) }
    }

    @Test func `is cut without breaking a character, a tag or an entity`() {
        #expect("äöü".truncated(toScalars: 2) == "ä…")
        #expect("äöü".truncated(toScalars: 3) == "äöü")
        #expect("äöüä".truncated(toBytes: 7) == "äö…")
        #expect("🙂🙂".truncated(toBytes: 7) == "🙂…")
        #expect("<b>one &amp; two</b>".truncatedHTML(toScalars: 17) == "<b>one &amp;…</b>")
        for limit in 12...60 {
            let text = "<b>x</b> <a href=\"u\">link &lt;&lt; it</a> &amp; more <i>text</i>".truncatedHTML(toScalars: limit)
            #expect(text.unicodeScalars.count <= limit)
            #expect(text.components(separatedBy: "<a ").count == text.components(separatedBy: "</a>").count)
            #expect(text.components(separatedBy: "<b>").count == text.components(separatedBy: "</b>").count)
        }
    }

    @Test func `never ends the process, whatever it is`() {
        let pieces = [
            "{{", "}}", "{", "}", "#", "/", "^", ">", "<", "$", "&", "!", "=", "%", "*", ".", "(", ")", "alerts", "subject", " ",
            "\n", "{{#alerts}}",
            "{{/alerts}}", "{{>alertList}}", "{{{", "}}}", "labels.a", "first(", "reversed(alerts)", "empty(", "🙂", "\u{0}", "|",
            "\"",
        ]
        var random = SplitMix64(seed: 20_261_121)
        let rounds = Int(ProcessInfo.processInfo.environment["OBS_FUZZ_ROUNDS"] ?? "") ?? 3000
        var taken = 0
        for _ in 0..<rounds {
            let source = (0..<Int.random(in: 1...12, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
            guard let template = try? MessageTemplate(source) else { continue }
            taken += 1
            // What it includes is checked when the configuration is read.
            guard template.partials.isSubset(of: MessageLibrary.builtin.names) else { continue }
            _ = MessageModel(.sample()).text(template)
            _ = MessageModel(.sample()) { OutsideText($0).html }.text(template)
        }
        #expect(taken > rounds / 100)
    }
}
