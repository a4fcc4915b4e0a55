/// docs/cli.md: every command with its synopsis, arguments and examples.
struct CommandMarkdown {
    private let root: CommandDescription
    private let common: [CommandDescription.Argument]

    init(_ root: CommandDescription) {
        self.root = root
        common = root.commonArguments()
    }

    var text: String {
        var page = """
            # The command line

            Written by `make references` from the program's own help; `obs help COMMAND` says the same, and so do the man pages (`man obs`).

            \(root.abstract ?? "")

            \(Self.prose(root))

            ## Options of most commands

            \(Self.table(common))

            Every command takes `--help` (`-h`) and `--version`.


            """
        for group in root.visibleSubcommands { page += section(group, heading: "##") }
        return String(page.dropLast())
    }

    private func section(_ command: CommandDescription, heading: String) -> String {
        var text = "\(heading) \(command.words)\n\n\(command.abstract ?? "")\n\n"
        let own = command.visibleArguments.filter { !common.contains($0) }
        if command.visibleSubcommands.isEmpty {
            text += "```\n\(([command.words] + own.map(\.usage)).joined(separator: " "))\n```\n\n"
        }
        if !command.prose.isEmpty { text += Self.prose(command) + "\n\n" }
        if !own.isEmpty { text += Self.table(own) + "\n\n" }
        if !command.examples.isEmpty { text += "```sh\n\(command.examples.joined(separator: "\n"))\n```\n\n" }
        for subcommand in command.visibleSubcommands { text += section(subcommand, heading: heading + "#") }
        return text
    }

    /// What stands between `<` and `>` would be markup.
    private static func prose(_ command: CommandDescription) -> String {
        command.prose.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n")
            .replacing("<", with: "&lt;").trimmingSuffix { $0 == "\n" }
    }

    private static func table(_ arguments: [CommandDescription.Argument]) -> String {
        let rows = arguments.map { argument in
            let meaning = (argument.abstract ?? "").replacing("|", with: "\\|").replacing("<", with: "&lt;")
            let value = argument.shownDefault.map { "`\($0)`" } ?? ""
            return "| `\(argument.spelling)` | \(meaning) | \(value) |"
        }
        return (["| | | default |", "|---|---|---|"] + rows).joined(separator: "\n")
    }
}

/// The man pages: `obs.1` for the program, and one for each command with all of its subcommands. Source: man(7).
struct ManPages {
    private let root: CommandDescription
    private let version: String

    init(_ root: CommandDescription, version: String) {
        self.root = root
        self.version = version
    }

    /// By the name of the file.
    var all: [String: String] {
        var pages = ["obs.1": overview]
        for command in root.visibleSubcommands { pages["\(Self.name(command)).1"] = page(command) }
        return pages
    }

    private var overview: String {
        var text = head(root) + ".SH DESCRIPTION\n" + Self.paragraphs(root.prose) + ".SH COMMANDS\n"
        for command in root.visibleSubcommands {
            text += ".TP\n.BR \(Self.name(command).replacing("-", with: "\\-")) (1)\n\(Self.line(command.abstract ?? ""))\n"
        }
        return text + ".SH OPTIONS\n" + Self.list(root.commonArguments())
    }

    private func page(_ command: CommandDescription) -> String {
        let parts = command.all.filter(\.visibleSubcommands.isEmpty)
        var text = head(command) + ".SH SYNOPSIS\n"
        let common = root.commonArguments()
        for part in parts {
            let own = part.visibleArguments.filter { !common.contains($0) }.map(\.usage) + ["[options]"]
            text += ".HP\n.B \(Self.escaped(part.words))\n\(Self.line(own.joined(separator: " ")))\n"
        }
        if !command.visibleSubcommands.isEmpty, !command.prose.isEmpty {
            text += ".SH DESCRIPTION\n" + Self.paragraphs(command.prose)
        }
        for part in parts {
            text += parts.count == 1 ? ".SH DESCRIPTION\n" : ".SH \(Self.escaped(part.words.uppercased()))\n"
            text += Self.line(part.abstract ?? "") + "\n"
            if !part.prose.isEmpty { text += ".PP\n" + Self.paragraphs(part.prose) }
            text += Self.list(part.visibleArguments)
            if !part.examples.isEmpty {
                text +=
                    ".PP\nExamples:\n.PP\n.nf\n.RS\n\(part.examples.map { Self.line(String($0)) }.joined(separator: "\n"))\n.RE\n.fi\n"
            }
        }
        return text + ".SH SEE ALSO\n.BR obs (1)\n"
    }

    private func head(_ command: CommandDescription) -> String {
        let name = Self.name(command)
        return """
            .\\" Written by `make references` from the program's own help.
            .TH \(name.uppercased()) 1 "" "obs \(version)" "obs"
            .SH NAME
            \(Self.escaped(name)) \\- \(Self.escaped(command.abstract ?? ""))

            """
    }

    private static func name(_ command: CommandDescription) -> String { command.words.replacing(" ", with: "-") }

    private static func list(_ arguments: [CommandDescription.Argument]) -> String {
        arguments.map { argument in
            let value = argument.shownDefault.map { " Default: \($0)." } ?? ""
            return ".TP\n.B \(escaped(argument.spelling))\n\(line((argument.abstract ?? "") + value))\n"
        }.joined()
    }

    private static func paragraphs(_ prose: String) -> String {
        prose.trimmingSuffix { $0 == "\n" }.split(separator: "\n", omittingEmptySubsequences: false)
            .map { ($0.isEmpty ? ".PP" : line(String($0))) + "\n" }.joined()
    }

    /// A line of text. One that begins with a dot or an apostrophe would be a request.
    private static func line(_ text: String) -> String {
        text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + escaped(text) : escaped(text)
    }

    /// A plain hyphen would be typeset as one, and could not be pasted.
    private static func escaped(_ text: String) -> String { text.replacing("\\", with: "\\e").replacing("-", with: "\\-") }
}

extension String {
    /// Without the characters at the end for which `isDropped` holds.
    func trimmingSuffix(_ isDropped: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, isDropped(last) { text.removeLast() }
        return String(text)
    }
}
