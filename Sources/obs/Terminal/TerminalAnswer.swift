import Columns
import Query

/// An answer as standard output shows it.
extension Answer {
    /// - Parameter terminalWidth: the terminal's columns; nil when the output is not a terminal. Nothing is cut then, and texts
    ///   are what they are. On a terminal no text may drive it: such characters are U+FFFD, and escapes in JSON
    ///   (``OutsideText/visible``).
    func shown(as format: OutputFormat, terminalWidth: Int?, hasColor: Bool) -> String {
        guard let terminalWidth else { return rendered(as: format) }
        return switch format {
        case .table: TerminalTable(self, width: terminalWidth).text(hasColor: hasColor)
        case .json, .jsonl: OutsideText(rendered(as: format)).visibleJSON
        case .csv, .markdown: rendered(as: format) { OutsideText($0).visible }
        }
    }
}
