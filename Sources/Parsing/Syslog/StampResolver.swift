import Columns
import Foundation

/// Turns stamps without a year or a zone into points in time.
///
/// The year of a stamp is, when none is configured, the last one in which it is not more than a day after the line's arrival: a
/// clock may be ahead, and a zone's year begins before or after that of UTC. When the first line's year is configured it goes
/// on from there: a jump from the end of a year to its start is a new year.
struct StampResolver: Sendable {
    /// What is remembered of one file.
    struct FileYear: Codable, Sendable {
        var year: Int
        var month: Int
    }

    private let context: ParsingContext
    /// Only with a configured year: by file.
    var years: [String: FileYear] = [:] {
        didSet { cachedYear.month = 0 }
    }
    // The offset of the zone changes at most once an hour; days repeat for thousands of lines.
    private var cachedHour = Int.min
    private var cachedOffset = 0
    private var cachedYear = (file: "", month: 0, year: 0)
    private var cachedDay = (year: 0, month: 0, day: 0, days: 0)

    init(context: ParsingContext) {
        self.context = context
    }

    /// Whether the year of a stamp depends on the file that it is in.
    var needsFile: Bool { context.year != nil }

    /// The point in time of `stamp`, or nil when there is no such day in its year.
    ///
    /// - Parameters:
    ///   - file: the file that the line stands in.
    ///   - arrival: when the line arrived; the time of a line without any stamp.
    mutating func resolve(_ stamp: SyslogHeader.Stamp, file: @autoclosure () -> String, arrival: Timestamp) -> Timestamp? {
        switch stamp {
        case .none: return arrival
        case .absolute(let time): return time
        case .local(let year, let month, let day, let second, let microsecond):
            return Timestamp(
                microseconds: utc(year: year, month: month, day: day, second: second).microseconds + Int64(microsecond))
        case .timeOfDay(let second, let microsecond):
            // Of the last day on which it is not ahead of the arrival by more than an hour.
            let zone = context.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: arrival.secondsSince1970))
            let today = Int(((arrival.secondsSince1970 + Double(zone)) / 86_400).rounded(.down))
            for days in [today + 1, today] {
                let date = Timestamp.civil(days: days)
                let time = utc(year: date.year, month: date.month, day: date.day, second: second) + .microseconds(microsecond)
                if time <= arrival + .seconds(3600) { return time }
            }
            let date = Timestamp.civil(days: today - 1)
            return utc(year: date.year, month: date.month, day: date.day, second: second) + .microseconds(microsecond)
        case .yearless(let month, let day, let second):
            guard context.year != nil else {
                // Only in December can the first days of January be those of the year that begins: nothing else costs a second
                // look.
                let now = arrival.components
                var year = now.year + (month == 1 && day <= 3 && now.month == 12 ? 1 : 0)
                let latest = arrival + .seconds(86_400)
                while day > ISOTime.length(ofMonth: month, year: year)
                    || utc(year: year, month: month, day: day, second: second) > latest
                {
                    year -= 1
                }
                return utc(year: year, month: month, day: day, second: second)
            }
            let year = configuredYear(file: file(), month: month)
            guard day <= ISOTime.length(ofMonth: month, year: year) else { return nil }
            return utc(year: year, month: month, day: day, second: second)
        }
    }

    private mutating func configuredYear(file: String, month: Int) -> Int {
        // A file's lines come in runs, and a run is nearly always of one month.
        if cachedYear.month == month, cachedYear.file == file { return cachedYear.year }
        var known = years[file] ?? FileYear(year: context.year!, month: month)
        if month - known.month > 6 { return known.year - 1 }  // a late line of last December
        if known.month - month > 6 { known.year += 1 }
        known.month = month
        years[file] = known
        cachedYear = (file, month, known.year)
        return known.year
    }

    private mutating func utc(year: Int, month: Int, day: Int, second: Int) -> Timestamp {
        if cachedDay.day != day || cachedDay.month != month || cachedDay.year != year {
            cachedDay = (year, month, day, Timestamp.days(year: year, month: month, day: day))
        }
        let local = cachedDay.days * 86_400 + second
        let hour = local / 3600
        if hour != cachedHour {
            cachedHour = hour
            cachedOffset = offset(atLocal: hour * 3600)
        }
        return Timestamp(seconds: Int64(local - cachedOffset))
    }

    /// The zone's offset at a local time. In the hour that a change to winter repeats it is the first of the two.
    private func offset(atLocal local: Int) -> Int {
        let guess = context.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(local)))
        let first = context.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(local - guess)))
        let second = context.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(local - guess) - 3600))
        return second != first
            && context.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(local - second))) == second
            ? second : first
    }
}
