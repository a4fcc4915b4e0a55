import Ingest
import Testing

@testable import Configuration

struct `The section redaction` {
    private func mistakes(_ section: String) -> String {
        do {
            _ = try ConfigurationReader.read("sources: [{ name: auth, file: a.log }]\nredaction: \(section)", path: "obs.yaml")
            return ""
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        ("{ rules: [{ pattern: '(', replace: x }] }", "a ')' is missing"),
        ("{ rules: [{ pattern: 'a*', replace: x }] }", "matches the empty text"),
        ("{ rules: [{ pattern: a }] }", "has one of 'replace' and 'hash: true'"),
        ("{ key: 0123456789abcdef, rules: [{ pattern: a, replace: x, hash: true }] }", "has one of 'replace' and 'hash: true'"),
        ("{ rules: [{ pattern: a, hash: true }] }", "redaction has no 'key'"),
        ("{ rules: [{ pattern: a, replace: \"a\\nb\" }] }", "not one line"),
        ("{ rules: [{ pattern: a, replace: \(String(repeating: "x", count: 101)) }] }", "longer than 100 bytes"),
        ("{ rules: [{ pattern: a, replace: x, sources: [web] }] }", "redaction has a rule for 'web', which there is not"),
        ("{ rules: [{ pattern: a, replace: x, pipelines: [nothing] }] }", "redaction has a rule for 'nothing'"),
        ("{ rules: [\((0...100).map { _ in "{ pattern: a, replace: x }" }.joined(separator: ", "))] }", "100 are the most"),
    ])
    func `is refused where it would not do what it says`(section: String, sentence: String) {
        #expect(mistakes(section).contains(sentence), "\(mistakes(section))")
    }

    @Test func `gives each source the rules of its name and its pipeline`() throws {
        let text = """
            sources: [{ name: auth, file: a.log }, { name: web, file: b.log, pipeline: shop, input: views }]
            redaction:
              rules:
                - { pattern: a, replace: x, sources: [auth] }
                - { pattern: b, replace: x, pipelines: [shop] }
            """
        let configuration = try ConfigurationReader.read(text, path: "obs.yaml")
        let redacted = try configuration.sources.map {
            String(decoding: try $0.redactor!.redact(Array("ab".utf8)), as: UTF8.self)
        }
        #expect(redacted == ["xb", "ax"])
        #expect(configuration.redactor(ofPipeline: "ssh") != nil && configuration.redactor(ofPipeline: "rail") != nil)
        let without = try ConfigurationReader.read("sources: [{ name: auth, file: a.log }]", path: "obs.yaml")
        #expect(without.sources[0].redactor == nil && without.sources[0] != configuration.sources[0])
    }
}
