/// What is usual at each hour of the day and each hour of the week (UTC), learned from the values.
///
/// In the first day and week an hour knows only itself so far, and gives its own mean.
struct Season: Sendable, Equatable {
    private static let dayMemory = 100.0, weekMemory = 40.0

    var day = [RobustLevel](repeating: RobustLevel(), count: 24)
    var week = [RobustLevel](repeating: RobustLevel(), count: 168)

    /// The hour of a time in seconds since 1970, of any sign.
    private static func hour(_ time: Double, of period: Int) -> Int {
        let hours = (time / 3600).rounded(.down).truncatingRemainder(dividingBy: Double(period))
        return Int(hours < 0 ? hours + Double(period) : hours)
    }

    /// The level of this hour of the day; nil before the third value in it.
    func ofDay(_ time: Double) -> Double? { Self.mean(day[Self.hour(time, of: 24)]) }

    /// The level of this hour of the week; nil before the third value in it.
    func ofWeek(_ time: Double) -> Double? { Self.mean(week[Self.hour(time, of: 168)]) }

    private static func mean(_ level: RobustLevel) -> Double? { level.count > 2 ? level.mean : nil }

    mutating func observe(_ value: Double, at time: Double) {
        day[Self.hour(time, of: 24)].observe(value, memory: Self.dayMemory)
        week[Self.hour(time, of: 168)].observe(value, memory: Self.weekMemory)
    }
}
