import Access
import ArgumentParser
import Columns
import Configuration
import Foundation
import Jobs
import Query

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Add, list, remove and log out the people who may log in on the page.",
        discussion: """
            Where access is required, a person logs in with a name and a password, and acts under that name. The password \
            is asked for on the terminal, or read as one line from standard input; it is never a word of the command line.
            """,
        subcommands: [Add.self, List.self, Remove.self, Passwd.self, Logout.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Add a person, and ask for the password.",
            discussion: """
                Examples:
                  obs user add ann --role responder
                  obs user add bob --role viewer < password.txt
                """)
        @Argument(help: "The name: letters, digits and . - _ @") var name: String
        @Option(help: "viewer, responder or admin.") var role: Role
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let store = try common.writableWorkspace().access
            try store.addAccount(name, role: role, password: PasswordPrompt.ask(for: name), by: who.by, now: .now)
            Terminal.say("\(name) may log in: \(role.rawValue)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the people who may log in: role, last log-in.",
            discussion: """
                Examples:
                  obs user list
                  obs user list -o json
                """)
        @OptionGroup var output: OutputOptions
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let found = try common.existingWorkspace().access.accounts()
            if found.isEmpty, output.output == .table { return Terminal.say("no users") }
            var answer = Answer(
                [
                    ("name", .text), ("role", .text), ("last_login_at", .timestamp), ("password_at", .timestamp),
                    ("created_at", .timestamp), ("created_by", .text),
                ],
                rows: found.map { person in
                    [
                        .text(person.name), .text(person.role.rawValue), person.lastLoginAt.map { .timestamp($0) } ?? .null,
                        .timestamp(person.passwordAt), .timestamp(person.createdAt), .text(person.createdBy),
                    ]
                })
            answer.dispensable = ["created_by", "created_at"]
            Terminal.show(answer, as: output.output)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Remove people; they are logged out at once.",
            discussion: """
                Examples:
                  obs user remove bob
                  obs user remove ann bob --by cid
                """)
        @Argument(help: "Names, from 'obs user list'.") var names: [String]
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let store = try common.writableWorkspace().access
            for name in names { try store.removeAccount(name, by: who.by, now: .now) }
        }
    }

    struct Passwd: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "passwd", abstract: "Set the password of a person, who has to log in again everywhere.",
            discussion: """
                Examples:
                  obs user passwd ann
                  obs user passwd ann < password.txt
                """)
        @Argument(help: "The name, from 'obs user list'.") var name: String
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let store = try common.writableWorkspace().access
            guard try store.accounts().contains(where: { $0.name == name }) else { throw AccessError.noAccount(name) }
            try store.setPassword(of: name, to: PasswordPrompt.ask(for: name), by: who.by, now: .now)
        }
    }
}

extension UserCommand {
    struct Logout: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "logout", abstract: "Log people out everywhere, also those who log in by OpenID Connect.",
            discussion: """
                Examples:
                  obs user logout ann
                  obs user logout ann bob --by cid
                """)
        @Argument(help: "Names.") var names: [String]
        @OptionGroup var who: IncidentCommand.Who
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let store = try common.writableWorkspace().access
            for name in names { try store.endSessions(of: name, by: who.by, now: .now) }
        }
    }
}

/// Asks for a password without showing it.
enum PasswordPrompt {
    /// - Throws: ``UsageError`` when nothing was written, or not the same twice.
    static func ask(for name: String) throws(UsageError) -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            guard let line = readLine(), !line.isEmpty else {
                throw UsageError("there is no password on standard input; write one line")
            }
            return line
        }
        let first = try hidden("Password of \(name): ")
        guard try hidden("The same again: ").hasSameBytes(as: first) else {
            throw UsageError("the two passwords are not the same; nothing was changed")
        }
        return first
    }

    private static func hidden(_ prompt: String) throws(UsageError) -> String {
        var shown = termios()
        tcgetattr(STDIN_FILENO, &shown)
        var quiet = shown
        quiet.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
            try? FileHandle.standardError.write(contentsOf: Data("\n".utf8))
        }
        try? FileHandle.standardError.write(contentsOf: Data(prompt.utf8))
        guard let line = readLine(), !line.isEmpty else { throw UsageError("no password was written; nothing was changed") }
        return line
    }
}
