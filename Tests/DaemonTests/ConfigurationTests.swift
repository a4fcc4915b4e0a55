import Foundation
import Streaming
import TestSupport
import Testing

@testable import Daemon

struct `The configuration` {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private func load(_ text: String) throws -> Configuration {
        let folder = TemporaryFolder(), path = folder.path + "/obs.yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try Configuration.load(file: path, dataDirectory: nil)
    }

    private func mistakes(_ text: String) -> [String] {
        do {
            _ = try load(text)
            return []
        } catch let error as ConfigurationError {
            return error.mistakes.map { "\($0.line ?? 0): \($0.message)" }
        } catch {
            return ["\(error)"]
        }
    }

    @Test func `starts with nothing at all`() throws {
        let configuration = try Configuration.load(file: nil, dataDirectory: "/tmp/x")
        #expect(configuration.dataDirectory == "/tmp/x")
        #expect(configuration.pipelines.map(\.name) == ["ssh", "rail", "shop", "events", "self"])
    }

    @Test func `reads the example`() throws {
        let configuration = try Configuration.load(file: root + "/obs.example.yaml", dataDirectory: nil)
        #expect(configuration.sources.map(\.file) == ["/var/log/auth.log"])
        #expect(configuration.alerting.receivers.map(\.name) == ["oncall"])
        #expect(configuration.alerting.route?.groupWait == .seconds(10))
    }

    @Test func `has in its files what is built in`() throws {
        let configuration = try load("pipelines: [\(root)/pipelines/*.yaml]\ndetections: [\(root)/alerts/detections/*.yml]")
        #expect(Set(configuration.rules) == Set(Builtin.rules))
        #expect(configuration.rules.count == Builtin.rules.count)
        for pipeline in Builtin.pipelines {
            // Look-ups of a file are beside it; those of what is built in, where the program runs.
            let inFile = pipeline.resolvingFiles(beside: "\(root)/pipelines/\(pipeline.name).yaml")
            #expect(configuration.pipelines.contains(inFile), "\(pipeline.name): run 'make builtin'")
        }
        #expect(configuration.pipelines.count == 5)
    }

    @Test(arguments: [
        (
            "alerting:\n  route: {receiver: x, reciever: y}\n  receivers: [{name: x}]",
            "2: unknown key 'reciever' in alerting.route; did you mean 'receiver'?"
        ),
        (
            "alerting:\n  route: {receiver: x, group_wait: 30 sec}\n  receivers: [{name: x}]",
            "2: group_wait is '30 sec'; write a duration such as 30s or 2m"
        ),
        ("http: {listen: nowhere}", "1: http.listen is 'nowhere'; write host:port such as 127.0.0.1:9464"),
        (
            "sources: [{name: a, file: b, pipeline: c}]",
            "1: source 'a' names the pipeline 'c', which there is not; known are ssh, rail, shop, events, self"
        ),
        ("alerting: {route: {receiver: x}}", "1: the route names the receiver 'x', which there is not; receivers are "),
        ("pipelines: [nothing/*.yaml]", "1: pipelines names 'nothing/*.yaml', and there is no such file"),
        (
            "sources:\n- {name: a, file: b}\n- name: a\n  file: c",
            "3: two sources are called 'a'; name one otherwise"
        ),
        (
            "sources:\n- name: files\n  file: b",
            "2: a source is called 'files', as what 'obs process' reads is; name it otherwise"
        ),
        (
            "sources:\n- name: v\n  http: true\n  pipeline: shop\n  input: vews",
            "5: source 'v': pipeline 'shop' has no input 'vews'; known are views, stars, orders, items, users, products"
        ),
    ])
    func `says what is wrong, on which line, and the way out`(text: String, message: String) {
        #expect(mistakes(text) == [message])
    }
}
