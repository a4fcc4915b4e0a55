import ArgumentParser
import Daemon
import Foundation
import Ingest

struct ParseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse", abstract: "Show how each line is understood, as JSON Lines.",
        discussion: """
            Examples:
              obs parse /var/log/auth.log | head
              echo 'Dec 10 06:55:46 gate sshd[1]: Invalid user x from 192.0.2.7' | obs parse --year 2015
            """)

    @Argument(help: "A file, plain or compressed; - is standard input.")
    var file = "-"

    @OptionGroup var stamps: StampOptions

    func run() throws {
        let reader = try TextReader(path: file)
        var explainer = LineExplainer(try stamps.context())
        var rest: [UInt8] = []
        while true {
            let bytes = try reader.read(1 << 16)
            rest += bytes
            guard let end = bytes.isEmpty ? rest.count : rest.lastIndex(of: 10).map({ $0 + 1 }), end > 0 else {
                if bytes.isEmpty { return }
                continue
            }
            var lines = rest[..<end].split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
            if rest[end - 1] == 10 { lines.removeLast() }
            rest.removeFirst(end)
            Terminal.write(explainer.explain(lines).map { $0 + "\n" }.joined())
        }
    }
}
