/// Why a model cannot be trained, read or used.
public enum ModelError: Error, CustomStringConvertible {
    case damaged(file: String)
    /// The disk does not take it.
    case cannotWrite(file: String, reason: String)
    case tooFewWindows(table: String, count: Int)
    case tooFewRows(table: String, label: String, positives: Int, negatives: Int)
    case missingFeature(String)
    case noFeatures(table: String)
    case otherKind(name: String, kind: String, wanted: String)
    case unknownVersion(name: String, version: Int)
    /// There is no version of that alias, or none at all.
    case unknownAlias(name: String, alias: String)
    case badAlias(String)
    case nothingBefore(name: String)

    /// One sentence with the way out.
    public var description: String {
        switch self {
        case .damaged(let file):
            "\(file): the model file is missing or damaged; train it again with 'obs model train', or go back to an earlier "
                + "version with 'obs model alias NAME champion VERSION'"
        case .cannotWrite(let file, let reason):
            "\(file): the model cannot be written: \(reason); the versions before it are as they were"
        case .tooFewWindows(let table, let count):
            "\(table) has \(count) windows, and a model needs \(WindowModel.minimumRows); process more logs, then train again"
        case .tooFewRows(let table, let label, let positives, let negatives):
            "\(table): '\(label)' is true in \(positives) rows and false in \(negatives), and a model needs "
                + "\(RiskModel.minimumRows) of each; train on a longer history"
        case .missingFeature(let name): "there is no column '\(name)', which the model needs"
        case .noFeatures(let table): "\(table): no column can be a feature; numbers, booleans and texts of few kinds can"
        case .otherKind(let name, let kind, let wanted):
            "the model '\(name)' is of the kind '\(kind)', and '\(wanted)' is needed; 'obs model list' shows the kinds"
        case .unknownVersion(let name, let version):
            "there is no version \(version) of the model '\(name)'; 'obs model list' shows all versions"
        case .unknownAlias(let name, let alias):
            "no version of the model '\(name)' is its \(alias); 'obs model list' shows all versions and their aliases"
        case .badAlias(let alias):
            "the alias is '\(alias)'; write at most 64 letters, digits, '-' and '_' that are not a number, 'latest' or 'v1'"
        case .nothingBefore(let name):
            "the model '\(name)' had no champion before the present one; 'obs model alias \(name) champion VERSION' makes any "
                + "version the champion"
        }
    }
}
