/// What can be wrong with the settings of an integration.
enum NotifierError: Error, CustomStringConvertible {
    case badURL(String)
    case badHTTP(String)
    /// A setting that must be given.
    case missing(String)
    /// A sentence of its own.
    case badValue(String)
    case unreadableSecret(path: String)
    case unsetVariable(String)
    /// The program that prints a secret did not.
    case failedCommand(String, reason: String)

    var description: String {
        switch self {
        case .badURL(let url): "'\(url)' is not an http:// or https:// address with a host"
        case .badHTTP(let what): "http_config \(what)"
        case .missing(let what): "\(what) must be given"
        case .badValue(let sentence): sentence
        case .unreadableSecret(let path):
            "the secret file \(path) cannot be read as one line of text; check its path, its permissions and what is in it"
        case .failedCommand(let program, let reason):
            "the command '\(program)' gives no secret: \(reason); run it by hand as the user of obs"
        case .unsetVariable(let name): "${\(name)} is not set in the environment; set it, or give the secret by a file"
        }
    }
}
