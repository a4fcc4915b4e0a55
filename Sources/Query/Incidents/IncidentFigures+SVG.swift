import Columns
import Detection

/// The figures as a picture. A page loads it separately, because reading the tables takes time.
extension IncidentFigures {
    private static let height = 56, gap = 34, margin = 8
    /// The approximate width of all bars together.
    private static let plotWidth = 560

    /// One bar per window, under the name of the figure; the window in which the incident started is highlighted.
    public static func svg(_ figures: [IncidentFigures]) -> String {
        var body: HTML = "", top = margin
        for figure in figures {
            let windows = figure.columns.first?.values.count ?? 0
            top += 14
            let span = "\(Shown.time(figure.start)) to \(Shown.time(figure.time(of: windows)))"
            body += "<text class=\"t\" x=\"\(margin)\" y=\"\(top)\">\(figure.table) \(span)</text>\n"
            top += 6
            for column in figure.columns {
                body += figure.bars(of: column, top: top)
                top += height + gap
            }
        }
        if figures.isEmpty { body = "<text x=\"\(margin)\" y=\"20\">no table counts what this is about</text>" }
        let markup: HTML = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(plotWidth + 2 * margin)" height="\(max(32, top))" role="img">
            <style>text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-weight:600}rect{fill:#0550ae}.began{fill:#a40e26}
            .usual{fill:#8c959f66}
            @media(prefers-color-scheme:dark){text{fill:#9da7b3}rect{fill:#79c0ff}.began{fill:#ff9492}}</style>
            \(body)</svg>

            """
        return markup.description
    }

    private func bars(of column: Column, top: Int) -> HTML {
        let peak = column.peak
        let most = max(peak?.value ?? 0, column.usual.compactMap { $0?.upperBound }.max() ?? 0, .leastNonzeroMagnitude)
        let base = top + 16 + Self.height, pitch = max(4, min(32, Self.plotWidth / max(1, column.values.count)))
        var bars = bands(of: column, base: base, pitch: pitch, most: most)
        for (window, value) in column.values.enumerated() {
            guard let value else { continue }
            let high = max(1, Int((max(0, value) / most * Double(Self.height)).rounded()))
            let mark: HTML = window == began ? " class=\"began\"" : ""
            bars += """
                <rect\(mark) x="\(Self.margin + window * pitch)" y="\(base - high)" width="\(pitch - 2)" height="\(high)">\
                <title>\(Shown.time(time(of: window))): \(Value.double(value).description)</title></rect>

                """
        }
        let said = peak.map { ", at most \(Value.double($0.value)) at \(Shown.time(time(of: $0.window)))" } ?? ""
        return "<text x=\"\(Self.margin)\" y=\"\(top + 12)\">\(column.name + said)</text>\n\(bars)"
    }

    /// What is usual, behind the bars.
    private func bands(of column: Column, base: Int, pitch: Int, most: Double) -> HTML {
        func height(_ value: Double) -> Int { Int((min(max(0, value), most) / most * Double(Self.height)).rounded()) }
        var bands: HTML = ""
        for (window, usual) in column.usual.enumerated() {
            guard let usual else { continue }
            let low = height(usual.lowerBound), high = max(low + 1, height(usual.upperBound))
            let x = Self.margin + window * pitch - 1
            bands += """
                <rect class="usual" x="\(x)" y="\(base - high)" width="\(pitch)" height="\(high - low)">\
                <title>usual: \(UsualRange.shown(usual.lowerBound)) to \(UsualRange.shown(usual.upperBound))</title></rect>

                """
        }
        return bands
    }
}
