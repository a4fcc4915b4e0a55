import ArgumentParser
import Foundation

@testable import obs

/// A command as the argument parser describes it (`--experimental-dump-help`), with the words that lead to it.
struct CommandDescription: Decodable {
    /// An argument, an option or a flag.
    struct Argument: Decodable, Hashable {
        struct Name: Decodable, Hashable {
            var kind: String
            var name: String
            var text: String { (kind == "short" || kind == "longWithSingleDash" ? "-" : "--") + name }
        }
        var kind: String
        var isOptional: Bool
        var isRepeating: Bool
        var shouldDisplay: Bool
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var abstract: String?

        var isPositional: Bool { kind == "positional" }

        /// `-c, --config <file>`, as the help shows it.
        var spelling: String {
            if isPositional { return "<\(valueName ?? "")>" + (isRepeating ? " ..." : "") }
            return (names ?? []).map(\.text).joined(separator: ", ") + (kind == "option" ? " <\(valueName ?? "")>" : "")
        }

        /// What it is when it is not given; nil where the help says so in words, as it must where that depends on the machine.
        var shownDefault: String? { abstract?.contains("by default") == true ? nil : defaultValue }

        /// Its part of the synopsis.
        var usage: String {
            let longest = names?.max { $0.name.utf8.count < $1.name.utf8.count }?.text
            let word = isPositional ? spelling : (longest ?? "") + (kind == "option" ? " <\(valueName ?? "")>" : "")
            return isOptional ? "[\(word)]" : word
        }
    }

    var commandName: String
    var superCommands: [String]?
    var abstract: String?
    var discussion: String?
    var shouldDisplay: Bool?
    var arguments: [Argument]?
    var subcommands: [CommandDescription]?

    var words: String { ((superCommands ?? []) + [commandName]).joined(separator: " ") }
    /// Without `--help` and `--version`, which every command takes.
    var visibleArguments: [Argument] {
        (arguments ?? []).filter { argument in
            argument.shouldDisplay
                && !(argument.kind == "flag"
                    && ["help", "version"].contains { name in argument.names?.contains { $0.name == name } == true })
        }
    }
    var visibleSubcommands: [CommandDescription] {
        (subcommands ?? []).filter { $0.shouldDisplay != false && $0.commandName != "help" }
    }
    /// This command and all below it, each before its own.
    var all: [CommandDescription] { [self] + visibleSubcommands.flatMap(\.all) }

    /// What the help says before its examples, and the examples.
    var prose: String {
        String((discussion ?? "").split(separator: "Examples:\n", maxSplits: 1, omittingEmptySubsequences: false)[0])
    }
    var examples: [Substring] {
        let parts = (discussion ?? "").split(separator: "Examples:\n", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count < 2 ? [] : parts[1].split(separator: "\n").map { $0.dropFirst(2) }
    }

    /// All of obs.
    static func obs() throws -> CommandDescription {
        struct Tool: Decodable { var command: CommandDescription }
        return try JSONDecoder().decode(Tool.self, from: Data(Obs._dumpHelp().utf8)).command
    }

    /// The options that most commands take, in the order of the first that has them all.
    func commonArguments() -> [Argument] {
        let leaves = all.filter(\.visibleSubcommands.isEmpty)
        var counts: [Argument: Int] = [:]
        for argument in leaves.flatMap(\.visibleArguments) { counts[argument, default: 0] += 1 }
        var common: [Argument] = []
        for argument in leaves.flatMap(\.visibleArguments)
        where counts[argument]! * 2 > leaves.count && !common.contains(argument) {
            common.append(argument)
        }
        return common
    }
}
