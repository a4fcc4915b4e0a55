import Columns
import Foundation
import Lake

/// What a pipeline does: how it understands lines, which windows it keeps, in which formats it writes.
public struct PipelineDefinition: Sendable, Hashable {
    public var name: String
    /// A name of `LogFormats`.
    public var format: String
    public var windows: [WindowDefinition]
    /// Text formats that silver is written in beside its Delta table.
    public var silverFormats: [TextFormat] = []
    /// The same for gold.
    public var goldFormats: [TextFormat] = []
    /// How often a stream commits what it has.
    public var commitInterval = Duration.seconds(5)

    public init(name: String, format: String, windows: [WindowDefinition]) {
        self.name = name
        self.format = format
        self.windows = windows
    }

    /// Changes when state that was written under one definition cannot be read under the other. The commit interval is not part of it.
    var fingerprint: String {
        let windows = windows.map { window in
            let aggregates = window.aggregates.map {
                "\($0.name)=\($0.function.rawValue)(\($0.column ?? ""))\($0.filter.map(\.description))"
            }
            return "\(window.table) \(window.length) \(window.allowedLateness) \(window.by) \(aggregates)"
        }
        // FNV-1a: it tells definitions apart, it protects nothing.
        let hash = "\(name) \(format) \(windows)".utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
        }
        return String(hash, radix: 16)
    }
}
