/// What can go wrong with tables and their files. The description is the sentence that a person reads.
public enum LakeError: Error, CustomStringConvertible {
    case noTable(String)
    case cannotRead(path: String, reason: String)
    case cannotWrite(path: String, reason: String)
    /// A Parquet file that is damaged or uses what is not read here.
    case badFile(path: String, reason: String)
    /// A commit file that is not what was put there, or was never one.
    case badCommit(path: String, reason: String)
    /// A commit file that is not there although later ones are.
    case missingCommit(path: String)
    /// The table uses a feature of the protocol that is not supported; reading it anyway could give wrong rows.
    case unsupported(table: String, feature: String)
    case schemaMismatch(table: String, reason: String)
    /// A column of texts has bytes that are not UTF-8: other programs would refuse the table.
    case notUTF8(table: String, column: String)
    case noVersion(Int64, table: String)
    /// The log no longer (or not yet) has what was asked for.
    case notInLog(table: String, wanted: String, oldest: Int64)
    /// A version names a file that is not there.
    case missingFile(table: String, version: Int64, path: String)
    /// What is written to standard output has no reader any more.
    case readerGone
    /// The table was opened at an earlier version.
    case readOnly(table: String, version: Int64)
    /// Other processes won every race for the next version.
    case conflict(table: String, attempts: Int)

    /// Whether one file is damaged or missing, and others may be well.
    var isOfOneFile: Bool {
        switch self {
        case .badFile, .missingFile, .cannotRead: true
        default: false
        }
    }

    /// The sentence for people, with the way out.
    public var description: String {
        switch self {
        case .noTable(let name): "there is no table '\(name)'; 'obs lake tables' shows those that there are"
        case .cannotRead(let path, let reason): "\(path): cannot be read: \(reason)"
        case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
        case .badFile(let path, let reason): "\(path): is not a readable Parquet file: \(reason)"
        case .badCommit(let path, let reason):
            "\(path): this commit of the table's log is damaged: \(reason); put the file back from a backup of the lake"
        case .missingCommit(let path):
            "\(path): this commit of the table's log is missing, and later ones are there; put the file back from a backup of "
                + "the lake"
        case .unsupported(let table, let feature): "\(table): needs \(feature), which obs does not support"
        case .schemaMismatch(let table, let reason): "\(table): \(reason)"
        case .notUTF8(let table, let column):
            "\(table): a text for column '\(column)' is not UTF-8; write it with U+FFFD, or as a column of the type binary"
        case .noVersion(let version, let table):
            "\(table): has no version \(version); 'obs lake history \(table)' shows those that it has"
        case .notInLog(let table, let wanted, let oldest):
            "\(table): has no version \(wanted); the oldest that its log has is \(oldest)"
        case .missingFile(let table, let version, let path):
            "\(table): version \(version) names \(path), which is missing; run 'obs lake verify \(table)'"
        case .readOnly(let table, let version):
            "\(table): is open at version \(version), which is for reading; open its newest version"
        case .readerGone: "nobody reads standard output any more"
        case .conflict(let table, let attempts): "\(table): other processes committed first \(attempts) times in a row; try again"
        }
    }
}
