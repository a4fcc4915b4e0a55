import Columns
import Detection

/// What the tables count about the subject of the incident. Reviews only; a page shows ``IncidentFigures/svg(_:)`` instead.
struct FiguresSection: IncidentSection {
    static let isReason = true

    private let figures: [IncidentFigures]

    /// - Throws: `LakeError` when a table cannot be read.
    init(_ view: IncidentView, _ sources: IncidentSources) throws {
        figures = try sources.lake.map { try IncidentFigures.all(of: view.incident, in: $0) } ?? []
    }

    func section(for medium: Medium) -> Section? {
        guard medium == .review, !figures.isEmpty else { return nil }
        return Section("Figures", figures.flatMap { [.paragraph(Self.heading($0)), Self.table($0)] })
    }

    private static func heading(_ figures: IncidentFigures) -> [Cell] {
        let windows = figures.columns.first?.values.count ?? 0
        let from = Shown.time(figures.start), to = Shown.time(figures.time(of: windows))
        return [
            .code(figures.table), .text(" where \(figures.subject)"),
            .text(": windows of \(Shown.duration(figures.length)), from \(from) to \(to); "),
            .text("it began in window \(figures.began + 1) of \(windows). A dot is a window without a row."),
        ]
    }

    /// The range that is usual in the window in which the incident started.
    private static func usual(_ column: IncidentFigures.Column, in figures: IncidentFigures) -> String {
        guard column.usual.indices.contains(figures.began), let usual = column.usual[figures.began] else { return "" }
        return "\(UsualRange.shown(usual.lowerBound)) to \(UsualRange.shown(usual.upperBound))"
    }

    private static func table(_ figures: IncidentFigures) -> Block {
        let hasBands = figures.columns.contains { !$0.usual.isEmpty }
        let heading = [RecordColumn("figure"), RecordColumn("each window"), RecordColumn("greatest"), RecordColumn("at")]
        return .records(
            heading + (hasBands ? [RecordColumn("usual")] : []),
            figures.columns.map { column in
                let peak = column.peak
                return [
                    .text(column.name), .code(column.graph), .text(peak.map { Value.double($0.value).description } ?? ""),
                    peak.map { .time(figures.time(of: $0.window)) } ?? .text(""),
                ] + (hasBands ? [.text(usual(column, in: figures))] : [])
            })
    }
}
