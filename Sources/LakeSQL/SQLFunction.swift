import CSQLite
import Columns

/// A function that statements have beside those of SQLite. All give the same for the same arguments, and null for null.
public struct SQLFunction: Sendable {
    /// How it is called, with its arguments: `bucket(time, '5m')`.
    public let call: String
    /// What it gives, in a sentence.
    public let meaning: String
    let name: String
    let argumentCount: Int32
    private let body: @Sendable (inout Call) throws(Wrong) -> Void

    private init(
        _ name: String, _ arguments: [String], _ meaning: String, _ body: @escaping @Sendable (inout Call) throws(Wrong) -> Void
    ) {
        self.name = name
        call = "\(name)(\(arguments.joined(separator: ", ")))"
        argumentCount = Int32(arguments.count)
        self.meaning = meaning
        self.body = body
    }

    /// All of them, in the order of the documentation.
    public static let all = [
        SQLFunction(
            "ago", ["'1d'"], "The time so long before now. Durations are written `30s`, `5m`, `2h`, `1d`, `1w`, `1h30m`."
        ) { call throws(Wrong) in
            guard let text = call.text(0) else { return }
            call.give(time: call.now - (try call.duration(text)))
        },
        SQLFunction(
            "bucket", ["time", "'5m'"],
            "The begin of the span of time, in UTC, that a time is in. Spans are counted from 1970 on, weeks from a Monday on."
        ) { call throws(Wrong) in
            guard let time = call.text(0), let length = call.text(1) else { return }
            let span = try TimeSpan(call.duration(length), written: length)
            // Another text than a time is in no span.
            guard let time = SQLTime.time(time) else { return }
            call.give(time: span.begin(of: time))
        },
        SQLFunction(
            "cidr", ["'192.0.2.0/24'", "address"], "1 if a text is an address in a network, else 0."
        ) { call throws(Wrong) in
            guard let network = call.text(0), let address = call.text(1) else { return }
            let made = try call.kept(0) { () throws(Wrong) in
                guard let made = IPNetwork(network) else {
                    throw Wrong("'\(network)' is not a network; write one such as 192.0.2.0/24 or 2001:db8::/32")
                }
                return made
            }
            call.give(IPAddress(address).map(made.contains) ?? false)
        },
        SQLFunction(
            "matches", ["text", "'re2'"],
            "1 if the whole text matches a regular expression of RE2, else 0, as matchers have it: write `.*root.*` for a part."
        ) { call throws(Wrong) in
            guard let text = call.text(0), let pattern = call.text(1) else { return }
            let made = try call.kept(1) { () throws(Wrong) in
                do throws(RegularExpression.Malformed) { return try RegularExpression(pattern) } catch {
                    throw Wrong("\(error)")
                }
            }
            call.give(made.matches(text))
        },
        SQLFunction(
            "label", ["labels", "'source'"], "The value of a label in a column of labels; null where it is not there."
        ) { call throws(Wrong) in
            guard let labels = call.text(0), let name = call.text(1),
                let value = try? JSON(parsing: Array(labels.utf8))[name]?.text
            else { return }
            SQLType.give(text: Array(value.utf8).span, to: call.context)
        },
        SQLFunction("utc", ["microseconds"], "The time so many microseconds after 1970, as the tables of obs.db have times.") {
            call throws(Wrong) in
            guard let number = call.integer(0) else { return }
            call.give(time: Timestamp(microseconds: number))
        },
    ]

    /// Makes all functions and the collation of times known to a connection, which holds them until it is closed.
    ///
    /// - Parameter now: what `ago` counts from: one time for all of a statement.
    public static func register(on connection: OpaquePointer?, now: Timestamp) throws(LakeSQLError) {
        func check(_ code: Int32) throws(LakeSQLError) {
            guard code == SQLITE_OK else { throw .refused(String(cString: sqlite3_errmsg(connection))) }
        }
        try check(SQLTime.register(connection))
        for function in all {
            // Views may use them, although what a schema says is not trusted.
            let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS
            try check(
                sqlite3_create_function_v2(
                    connection, function.name, function.argumentCount, flags,
                    Unmanaged.passRetained(Registered(function, now)).toOpaque(),
                    { context, count, arguments in
                        let held = Unmanaged<Registered>.fromOpaque(sqlite3_user_data(context)!).takeUnretainedValue()
                        held.run(context, UnsafeBufferPointer(start: arguments, count: Int(count)))
                    }, nil, nil, { Unmanaged<Registered>.fromOpaque($0!).release() }))
        }
    }

    /// Why a call has no result.
    fileprivate struct Wrong: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private final class Registered {
        private let function: SQLFunction
        private let now: Timestamp

        init(_ function: SQLFunction, _ now: Timestamp) {
            self.function = function
            self.now = now
        }

        func run(_ context: OpaquePointer?, _ arguments: UnsafeBufferPointer<OpaquePointer?>) {
            sqlite3_result_null(context)
            var call = Call(context: context, arguments: arguments, now: now)
            do throws(Wrong) {
                try function.body(&call)
            } catch {
                sqlite3_result_error(context, "\(function.name): \(error.reason)", -1)
            }
        }
    }

    /// One call: what came in, and where the result goes.
    private struct Call {
        let context: OpaquePointer?
        let arguments: UnsafeBufferPointer<OpaquePointer?>
        let now: Timestamp

        /// Nil for null.
        func text(_ index: Int) -> String? {
            sqlite3_value_type(arguments[index]) == SQLITE_NULL ? nil : SQLType.text(arguments[index])
        }

        func integer(_ index: Int) -> Int64? {
            sqlite3_value_type(arguments[index]) == SQLITE_NULL ? nil : sqlite3_value_int64(arguments[index])
        }

        func duration(_ text: String) throws(Wrong) -> Duration {
            guard let duration = Duration(parsing: text) else {
                throw Wrong("'\(text)' is not a duration; write one such as 30s, 5m, 2h or 1d")
            }
            return duration
        }

        func give(_ flag: Bool) { sqlite3_result_int(context, flag ? 1 : 0) }

        func give(time: Timestamp) { SQLType.give(text: Array(SQLTime.text(time).utf8).span, to: context) }

        /// What is made of a constant argument: once per statement, where SQLite keeps it.
        func kept<Made>(_ index: Int32, _ make: () throws(Wrong) -> Made) throws(Wrong) -> Made {
            if let known = sqlite3_get_auxdata(context, index) {
                return Unmanaged<Kept<Made>>.fromOpaque(known).takeUnretainedValue().made
            }
            let made = try make()
            sqlite3_set_auxdata(
                context, index, Unmanaged.passRetained(Kept(made)).toOpaque(),
                { Unmanaged<AnyObject>.fromOpaque($0!).release() })
            return made
        }
    }

    private final class Kept<Made> {
        let made: Made
        init(_ made: Made) { self.made = made }
    }
}

/// Spans of time of one length, one behind the other: from 1970 on, weeks from a Monday on.
struct TimeSpan: Hashable {
    /// In microseconds, above 0.
    let length: Int64
    /// A begin of a span.
    private let origin: Int64

    private static let week: Int64 = 7 * 86_400_000_000
    /// 1970-01-05.
    private static let monday: Int64 = 4 * 86_400_000_000

    /// - Returns: nil for a duration that is not above 0.
    init?(_ duration: Duration) {
        length = duration.inMicroseconds
        guard length > 0 else { return nil }
        origin = length % Self.week == 0 ? Self.monday : 0
    }

    func begin(of time: Timestamp) -> Timestamp { Timestamp(microseconds: begin(of: time.microseconds)) }

    /// Of a time in microseconds.
    @inline(__always) func begin(of time: Int64) -> Int64 {
        let rest = (time &- origin) % length
        // A span that begins before all times begins with the first.
        let (begin, isBeforeAll) = time.subtractingReportingOverflow(rest < 0 ? rest + length : rest)
        return isBeforeAll ? .min : begin
    }
}

extension TimeSpan {
    fileprivate init(_ duration: Duration, written text: String) throws(SQLFunction.Wrong) {
        guard let span = TimeSpan(duration) else { throw SQLFunction.Wrong("'\(text)' is not above 0") }
        self = span
    }
}
