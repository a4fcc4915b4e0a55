import Columns
import Foundation
import Synchronization
import Transfer

/// A program that prints a secret, such as the client of a vault. It is started without a shell, when the secret is first needed
/// and not when the configuration is read, because most commands need none of them; what it printed is kept until the
/// configuration is read again. A program that fails is started again by the next use.
package final class SecretCommand: Sendable, Hashable {
    /// Time that it may take: the clients of vaults speak with a server, and log in first.
    static let timeLimit = Duration.seconds(30)
    /// Bytes that it may print.
    static let outputLimit = 65_536

    /// The program, looked for on PATH, and its arguments. They are in the list of processes while it runs, so they must not hold
    /// a secret themselves.
    let words: [String]
    private let timeLimit: Duration
    private let value = Mutex<String?>(nil)

    init(_ words: [String], timeLimit: Duration = SecretCommand.timeLimit) {
        self.words = words
        self.timeLimit = timeLimit
    }

    package static func == (left: SecretCommand, right: SecretCommand) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) { hasher.combine(words) }

    /// What it prints. Blocks for up to ``timeLimit`` when it has to be started.
    ///
    /// - Throws: ``NotifierError/failedCommand(_:reason:)`` with the name of the program and nothing of what it printed, to
    ///   standard error either: an error there may repeat the secret.
    func reveal() throws(NotifierError) -> String {
        // Held while it runs: two notifications at the same time must start it once.
        try value.withLock { value throws(NotifierError) in
            if let value { return value }
            let printed = try run()
            value = printed
            return printed
        }
    }

    private func run() throws(NotifierError) -> String {
        func failure(_ reason: String) -> NotifierError { .failedCommand(words.first ?? "", reason: reason) }
        let output: ChildProgram.Output
        do {
            output = try ChildProgram.output(of: words[0], Array(words.dropFirst()), limit: Self.outputLimit, within: timeLimit)
        } catch {
            throw failure(error.reason)
        }
        if output.hasRunOut { throw failure("it took longer than \(timeLimit.inSeconds) s") }
        if output.isCut { throw failure("it printed more than \(Self.outputLimit) bytes") }
        guard output.status == 0 else { throw failure("it ended with status \(output.status)") }
        guard let text = Secret.line(Data(output.bytes)) else { throw failure("it did not print one line of text") }
        return text
    }
}
