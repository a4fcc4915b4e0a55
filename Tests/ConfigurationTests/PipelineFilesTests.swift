import Columns
@testable import Detection
import Foundation
@testable import Streaming
import Testing

@testable import Configuration
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
                let expectations = input.steps.count { $0.stage is Streaming.Expectation }
                #expect(expectations > 0, "\(name) \(input.name)")
            }
        }
    }

    @Test func `have a table for what the model of the fleet was trained on`() throws {
        let schemas = try PipelineSchemas(try Self.definition("rail"))
        let columns = try #require(schemas.nodes["vehicles"]).schema.fields.map(\.name)
        for field in RailHistory.schema.fields where field.name != "breaks_down" { #expect(columns.contains(field.name)) }
    }

    @Test(arguments: ["rail", "shop", "events", "self"])
    func `have dashboards and alerts that ask only for number columns that their gold tables have`(name: String) throws {
        let schemas = try PipelineSchemas(try Self.definition(name))
        let root = Self.folder.deletingLastPathComponent()
        var asked = 0
        for file in ["dashboards/obs/\(name).json", "alerts/pipelines.yml"] {
            let text = try String(contentsOf: root.appending(path: file), encoding: .utf8).replacing("\\\"", with: "\"")
            for match in text.matches(of: #/table="(\w+)", column="(\w+)"/#) where match.1.hasPrefix("\(name)_") {
                asked += 1
                let node = schemas.nodes.first { key, _ in
                    key == match.1
                        || (try? Self.definition(name).streams.contains { $0.name == key && $0.table == String(match.1) }) == true
                }
                let type = node?.value.schema[String(match.2)]?.type
                #expect([.int32, .int64, .float, .double].contains(type), "\(file): \(match.1).\(match.2)")
            }
        }
        #expect(asked > 8)
    }

    @Test(arguments: ["rail", "shop", "events", "self"])
    func `have rules that look at tables and columns that there are`(name: String) throws {
        let definition = try Self.definition(name), schemas = try PipelineSchemas(definition)
        let rules = Builtin.detections.compactMap { $0.settings as? DetectionRule }.filter { rule in
            if case .table(let table) = rule.rows { table.hasPrefix("\(name)_") } else { false }
        }
        #expect(!rules.isEmpty)
        for rule in rules {
            guard case .table(let table) = rule.rows else { continue }
            let stream = definition.streams.first { $0.table == table }?.name ?? table
            let schema = try #require(schemas.nodes[stream]).schema
            for column in rule.groupBy.map(\.column) + rule.steps[0].match.map(\.name) {
                #expect(schema[column] != nil, "\(rule.name): \(column)")
            }
        }
    }
}
