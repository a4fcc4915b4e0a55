/// Why a query in LogQL is not answered.
package enum LogQLError: Error, CustomStringConvertible, Equatable {
    /// The text is not a query.
    ///
    /// - Parameter at: the offset of the byte where it stops being one.
    case malformed(String, at: Int)
    /// Something that Loki has and obs has not, by its name.
    case notSupported(String)
    /// The answer would be larger than an answer may be.
    case tooMuch(String)

    /// The sentence for people.
    package var description: String {
        switch self {
        case .malformed(let reason, let offset): "not a query in LogQL, at character \(offset + 1): \(reason)"
        case .notSupported(let what): "\(what) of LogQL is not supported by obs; docs/grafana.md says what is"
        case .tooMuch(let what): what
        }
    }
}
