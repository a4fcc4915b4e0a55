import Foundation
import Streaming
import Testing

@testable import Daemon
@testable import Simulation

/// The pipelines that obs comes with.
struct `The pipelines of the house` {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "pipelines")

    static func definition(_ name: String) throws -> PipelineDefinition {
        let path = folder.appending(path: "\(name).yaml").path
        return try YAMLDocument(String(contentsOfFile: path, encoding: .utf8), file: path).decode(PipelineFile.self).definition
    }

    @Test(arguments: ["ssh", "rail", "shop", "events", "self"])
    func `are whole: every column is there, every stream and window reads what there is`(name: String) throws {
        let definition = try Self.definition(name)
        #expect(definition.name == name)
        _ = try PipelineSchemas(definition)
    }

    @Test(arguments: ["rail", "shop", "events"])
    func `read what their simulator writes`(name: String) throws {
        let streams = Set(Simulators.named(name)!.streams.map(\.name))
        #expect(Set(try Self.definition(name).inputs.map(\.name)) == streams)
    }

    @Test func `have expectations on every input that an outsider writes`() throws {
        for name in ["rail", "shop", "events", "self"] {
            for input in try Self.definition(name).inputs where input.name != "users" && input.name != "items" {
                let expectations = input.steps.count { if case .expect = $0 { true } else { false } }
                #expect(expectations > 0, "\(name) \(input.name)")
            }
        }
    }

    @Test func `have a table for what the model of the fleet was trained on`() throws {
        let schemas = try PipelineSchemas(try Self.definition("rail"))
        let columns = try #require(schemas.nodes["vehicles"]).schema.fields.map(\.name)
        for field in RailHistory.schema.fields where field.name != "breaks_down" { #expect(columns.contains(field.name)) }
    }
}
