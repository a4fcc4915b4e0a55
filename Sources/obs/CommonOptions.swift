import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Lake
import Logging
import Query

/// The options that every command takes.
struct CommonOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("config")],
        help: ArgumentHelp("The configuration file; obs.yaml if it is there.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp("Where tables, incidents and checkpoints are kept; works without any configuration.", valueName: "dir")
    )
    var dataDir: String?

    @Flag(name: .shortAndLong, help: "Say nothing but the answer, and log errors only.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Log all that is done, each commit too.")
    var verbose = false

    /// The configuration that the options name.
    ///
    /// - Throws: `ConfigurationError` with everything that is wrong with it.
    func configuration() throws -> Configuration {
        var configuration = try Configuration.load(file: config, dataDirectory: dataDir)
        DataDirectory.setMask(for: configuration.dataDirectory)
        configuration.askedLogLevel = verbose ? .debug : quiet ? .error : nil
        return configuration
    }

    /// The same for a command that writes to the data directory: root continues as its owner.
    func configurationForWriting() throws -> Configuration {
        let configuration = try configuration()
        try DataDirectory.becomeOwner(of: configuration.dataDirectory)
        return configuration
    }

    /// The data directory for a question. It must be there: a question must not make an empty one, and answer out of it that all
    /// is quiet.
    func existingWorkspace() throws -> Workspace { try Workspace(reading: existingDatabase(configuration())) }

    /// The data directory for a command that changes something in it; it must exist, too.
    func writableWorkspace() throws -> Workspace { try Workspace(existingDatabase(configurationForWriting())) }

    private func existingDatabase(_ configuration: Configuration) throws -> String {
        let path = configuration.dataDirectory
        guard try DataDirectory.has("obs.db", in: path) else {
            throw UsageError(
                """
                \(path): there is no obs.db in it; name the data directory with --data-dir, or make one with 'obs run' or \
                'obs demo'
                """
            )
        }
        return path
    }

    /// The tables of the data directory, which must exist; the store beside them is not opened.
    func existingLake() throws -> Lake { try existingLake(configuration()) }

    /// The same for a command that changes tables.
    func writableLake() throws -> Lake { try existingLake(configurationForWriting()) }

    private func existingLake(_ configuration: Configuration) throws -> Lake {
        let path = configuration.dataDirectory
        guard try DataDirectory.has("lake", in: path) else {
            throw UsageError(
                """
                \(path): there are no tables in it; name the data directory with --data-dir, or make some with \
                'obs process FILE' or 'obs demo'
                """
            )
        }
        return Lake(root: path + "/lake")
    }
}

/// A server to send requests to instead of reading the data directory.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Ask the obs, or the Alertmanager, that listens there instead of the data directory.", valueName: "http://host:port"))
    var url: String?

    @OptionGroup var credentials: CredentialOptions

    /// Nil when no server is named.
    func client() throws -> AlertmanagerClient? {
        guard let url else { return nil }
        let token = try credentials.token()
        do { return try AlertmanagerClient(url, token: token, authorities: credentials.caFile) } catch {
            throw UsageError("\(error)")
        }
    }
}

/// What a server is asked with. A token is never a word of the command line, which every user of the machine can see.
struct CredentialOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file with the token to ask with; by default what OBS_TOKEN_FILE names, or the token in OBS_TOKEN.",
            valueName: "file"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "The issuers of the server's certificate, as PEM; by default those that the machine trusts.", valueName: "file"))
    var caFile: String?

    /// Nil when there is none.
    func token() throws(UsageError) -> String? {
        let environment = ProcessInfo.processInfo.environment
        guard let path = tokenFile ?? environment["OBS_TOKEN_FILE"] else {
            return environment["OBS_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw UsageError("\(path): the token cannot be read; look at the name of the file and its permissions")
        }
        let text = OutsideText(String(decoding: data.prefix(4096), as: UTF8.self)).trimmed
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw UsageError("\(path): is not a token; it holds one line, as 'obs token create --out' writes it")
        }
        return text
    }
}

/// The format of the output.
struct OutputOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "table, json, jsonl, csv or markdown.")
    var output: OutputFormat = .table
}

extension OutputFormat: ExpressibleByArgument {}
