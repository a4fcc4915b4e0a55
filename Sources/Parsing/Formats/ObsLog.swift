import Columns
import Foundation

/// The log of obs itself: JSON lines whose fields are known. So obs watches itself with what it watches others with.
struct ObsLog: LogFormat {
    static let name = "obs"
    static let samples = [
        #"{"ts":"2026-11-21T10:00:00.123Z","level":"info","msg":"epoch committed","logger":"obs","pipeline":"ssh","#
            + #""run_id":"0192","epoch":7,"rows":4096,"duration_ms":12.5}"#,
        #"{"ts":"2026-11-21T10:00:05.001Z","level":"error","msg":"a pipeline failed; it goes on from its last checkpoint","#
            + #""logger":"obs","pipeline":"ssh","error":"No space left on device"}"#,
    ]

    private var lines: JSONLines

    static let columns: [FormatOptions.DeclaredColumn] = [
        .init("event_time", .timestamp, path: "ts", isNullable: false), .init("level", .text, isNullable: false),
        .init("logger", .text), .init("message", .text, path: "msg", isNullable: false), .init("pipeline", .text),
        .init("stage", .text), .init("run_id", .text), .init("epoch", .int64), .init("trace_id", .text), .init("rows", .int64),
        .init("duration_ms", .double), .init("error", .text),
    ]

    init(context: ParsingContext, options: FormatOptions) throws(FormatError) {
        guard options.columns.isEmpty else { throw .takesNoColumns(format: Self.name) }
        try options.checkSettings([], format: Self.name)
        lines = try JSONLines(context: context, options: FormatOptions(columns: Self.columns))
    }

    var schema: Schema { lines.schema }
    mutating func parse(_ batch: Batch) -> ParsedBatch { lines.parse(batch) }
    var state: Data { Data() }
    mutating func restore(_ state: Data) {}
}
