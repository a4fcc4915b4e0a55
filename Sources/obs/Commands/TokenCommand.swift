import Access
import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make, list and revoke the tokens of programs.",
        discussion: """
            A program sends its token with each request: `Authorization: Bearer TOKEN`. The roles: viewer looks, responder also \
            acts on incidents and silences, ingest pushes lines and posts alerts and can read nothing, admin may do everything. \
            A running obs knows of a change at once. docs/security.md says what each role may do.
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Make a token and print it: it is shown this once.",
            discussion: """
                Examples:
                  obs token create --role ingest --name promtail
                  obs token create --role viewer --expires 365d --out prometheus.token
                """)
        @Option(help: "viewer, responder, admin or ingest.") var role: Role
        @Option(help: "A name by which its actions are recorded; by default how the token begins.") var name: String?
        @Option(help: ArgumentHelp("When it ends to be accepted, such as 90d; never by default.", valueName: "duration"))
        var expires: String?
        @Option(help: ArgumentHelp("Write the token there, readable by its owner alone, and print nothing.", valueName: "file"))
        var out: String?
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let length = try expires.map { text in
                guard let length = Duration(parsing: text), length > .zero else {
                    throw UsageError("--expires is '\(text)'; write a duration such as 90d")
                }
                return length
            }
            let now = Timestamp.now, store = try common.writableWorkspace().access
            let file = try out.map { try SecretFile(newAt: $0) }
            let made = try store.createToken(
                named: name, role: role, expiresAt: length.map { now + $0 }, by: who.by, now: now)
            if let file { try file.write(made.secret + "\n") } else { Terminal.write(made.secret + "\n") }
            let end = made.token.expiresAt.map { ", until \($0)" } ?? ""
            Terminal.say("token \(made.token.name): \(role.rawValue)\(end); it is not shown again")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the tokens: how each begins, its role, its end, its last use.",
            discussion: """
                Examples:
                  obs token list
                  obs token list --all -o json
                """)
        @Flag(help: "Also expired and revoked ones.") var all = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let now = Timestamp.now
            let found = try common.existingWorkspace().access.tokens().filter { all || $0.state(at: now) == .valid }
            if found.isEmpty, output.output == .table { return Terminal.say("no tokens") }
            var answer = Answer(
                [
                    ("name", .text), ("role", .text), ("state", .text), ("prefix", .text), ("created_at", .timestamp),
                    ("created_by", .text), ("expires_at", .timestamp), ("last_used_at", .timestamp),
                ],
                rows: found.map { token in
                    [
                        .text(token.name), .text(token.role.rawValue), .text(token.state(at: now).rawValue), .text(token.prefix),
                        .timestamp(token.createdAt), .text(token.createdBy), token.expiresAt.map { .timestamp($0) } ?? .null,
                        token.lastUsedAt.map { .timestamp($0) } ?? .null,
                    ]
                })
            answer.dispensable = ["created_by", "created_at"]
            Terminal.show(answer, as: output.output)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Revoke tokens: the next request with one is refused.",
            discussion: """
                Examples:
                  obs token revoke promtail
                  obs token revoke obs_1f3a77c0 --by ann
                """)
        @Argument(help: "Names, or how tokens begin, from 'obs token list'.") var tokens: [String]
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let store = try common.writableWorkspace().access
            for word in tokens {
                let token = try store.revokeToken(word, by: who.by, now: .now)
                Terminal.say("token \(token.name) (\(token.prefix)…) is revoked")
            }
        }
    }
}

extension Role: ExpressibleByArgument {}

/// A new file that its owner alone may read.
struct SecretFile {
    private let path: String
    private let handle: FileHandle

    /// - Throws: ``UsageError`` when there is a file already, or it cannot be made.
    init(newAt path: String) throws(UsageError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw UsageError(
                errno == EEXIST
                    ? "\(path): is there already; name a new file"
                    : "\(path): cannot be made: \(String(cString: strerror(errno)))")
        }
        self.path = path
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    func write(_ text: String) throws {
        try handle.write(contentsOf: Data(text.utf8))
        try handle.synchronize()
    }
}
