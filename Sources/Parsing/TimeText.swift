import Columns

extension Timestamp {
    /// A time such as `2026-11-21T10:00:00Z`, `2026-11-21 10:00:00.5+01:00` or `2026-11-21`; UTC where no zone stands. Nil for anything else.
    public init?(parsingTime text: String) {
        let whole = text.utf8.count == 10 ? text + "T00:00:00Z" : text
        let bytes = Array(whole.utf8)
        guard let found = SyslogTime.iso(bytes.span, at: 0)?.value, found.end == bytes.count else { return nil }
        switch found.stamp {
        case .absolute(let time): self = time
        case .local(let year, let month, let day, let second, let microsecond):
            self.init(year: year, month: month, day: day, second: second, microsecond: microsecond)
        default: return nil
        }
    }
}
