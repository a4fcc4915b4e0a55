import Columns
import Foundation
import Parsing

/// Sees the events and windows of a pipeline as they come, before they are committed: rules, models.
///
/// Its methods are called one at a time, in the order of the data. What it makes of an event must be durable when the call
/// returns, because the epoch may be committed after it and the event then never comes again; after a crash an event may come a
/// second time.
public protocol PipelineObserver: Sendable {
    /// Its name in checkpoints: unique among the observers of a pipeline, and the same in every version.
    static var name: String { get }
    /// Takes events of the input called `input`, as they are in silver, with the raw lines that they were made of.
    func observe(_ parsed: ParsedBatch, lines: Batch, input: String) async throws
    /// Takes rows of a gold table: closed windows, or rows of a stream.
    func observe(gold: Batch, table: String) async throws
    /// What it must remember, for the checkpoint; empty when that is nothing.
    func snapshot() async throws -> Data
    /// Goes on from what ``snapshot()`` gave.
    func restore(_ snapshot: Data) async throws
}

extension PipelineObserver {
    /// Nothing to remember.
    public func snapshot() async throws -> Data { Data() }
    /// Nothing was remembered.
    public func restore(_ snapshot: Data) async throws {}
}
