import Columns
import Configuration
import Parsing
import Telemetry

/// `obs parse`: how single lines are understood, in the order in which they come.
public struct LineExplainer: Sendable {
    private var explainer: FormatExplainer

    /// - Parameters:
    ///   - columns: `NAME:TYPE@PATH` with commas between, for formats that need them; nil guesses them from `firstLines`.
    ///   - delimiter: of CSV.
    ///   - settings: options of the format, as `KEY=VALUE`.
    ///   - firstLines: of the schema `RawLines.schema`.
    /// - Throws: `FormatError`, or ``UsageError`` when `columns` cannot be read.
    public init(
        format: String, columns: String?, delimiter: String?, settings: [String] = [], _ context: ParsingContext,
        firstLines: Batch
    ) throws {
        let texts = firstLines["line"]!
        let firstLines = (0..<firstLines.count).map { row in
            texts.withBytes(at: row) { $0.withUnsafeBufferPointer { Array($0) } }
        }
        var options = FormatOptions()
        if let columns {
            options.columns = try columns.split(separator: ",").map(Self.column)
        } else if let inferred = FormatOptions.inferred(
            from: firstLines, format: format, delimiter: delimiter == "tab" ? 9 : delimiter?.utf8.first ?? UInt8(ascii: ","))
        {
            options = inferred
        }
        if let delimiter { options.settings = [.init("delimiter", delimiter)] }
        options.settings += try settings.map(Self.setting)
        explainer = FormatExplainer(try LogFormats.make(format, context: context, options: options))
    }

    private static func setting(_ text: String) throws -> FormatOptions.Setting {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex else {
            throw UsageError("--option is '\(text)'; write KEY=VALUE")
        }
        return .init(String(text[..<equals]), String(text[text.utf8.index(after: equals)...]))
    }

    private static func column(_ text: Substring) throws -> FormatOptions.DeclaredColumn {
        let parts = text.split(separator: "@", maxSplits: 1)
        let names = (parts.first ?? "").split(separator: ":")
        guard names.count == 2, let type = ColumnType(rawValue: String(names[1])) else {
            throw UsageError(
                "--columns names '\(text)'; write NAME:TYPE or NAME:TYPE@PATH with a type of "
                    + "\(ColumnType.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return .init(String(names[0]), type, path: parts.count == 2 ? String(parts[1]) : nil)
    }

    /// For each event one JSON object: what it tells; for each line that is none why.
    public mutating func explain(_ lines: Batch) -> [String] {
        explainer.explain(lines, arrival: .now)
    }

    /// What was kept for lines that could have come.
    public mutating func finish() -> [String] { explainer.finish() }
}
