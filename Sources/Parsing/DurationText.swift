extension Duration {
    /// A duration as Prometheus writes it: `30s`, `5m`, `1h30m`, `2d`, `1w`, `500ms`. Nil for anything else.
    public init?(parsing text: String) {
        let units: [(String, Int64)] = [
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000), ("y", 31_536_000_000),
        ]
        var rest = text[...]
        var milliseconds: Int64 = 0
        guard !rest.isEmpty else { return nil }
        if rest == "0" {
            self = .zero
            return
        }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard digits.count <= 12, let number = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            guard let scale = units.first(where: { $0.0 == unit })?.1 else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: scale)
            guard !overflow else { return nil }
            milliseconds += product
            rest = rest.dropFirst(unit.count)
        }
        self = .milliseconds(milliseconds)
    }
}
