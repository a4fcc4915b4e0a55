package import CCurl

/// The options of a transfer as a value: they can be looked at before anything is sent.
package struct CurlOptions: Equatable, CustomStringConvertible {
    package enum Value: Equatable {
        case number(Int)
        case text(String)
        case list([String])
    }

    /// In the order in which they are set; of two for the same option the later holds.
    package private(set) var all: [(option: CURLoption, value: Value)] = []

    package init() {}

    package mutating func set(_ option: CURLoption, _ value: Int) { all.append((option, .number(value))) }
    package mutating func set(_ option: CURLoption, _ value: String) { all.append((option, .text(value))) }
    package mutating func set(_ option: CURLoption, list: [String]) { all.append((option, .list(list))) }

    /// For the whole of a transfer; a connection has to be made within five seconds.
    package mutating func set(timeout: Duration) {
        let milliseconds = max(1, Int(timeout / .milliseconds(1)))
        set(CURLOPT_CONNECTTIMEOUT_MS, min(milliseconds, 5000))
        set(CURLOPT_TIMEOUT_MS, milliseconds)
    }

    package static func == (left: CurlOptions, right: CurlOptions) -> Bool {
        left.all.count == right.all.count
            && zip(left.all, right.all).allSatisfy { $0.option.rawValue == $1.option.rawValue && $0.value == $1.value }
    }

    /// For tests: it holds secrets.
    package var description: String { all.map { "\($0.option.rawValue)=\($0.value)" }.joined(separator: "\n") }
}
