import Foundation

/// A journal that tests write, and a `journalctl` that plays it: a process of its own that understands the options which obs uses.
/// It gives entries behind a cursor, follows what is added, and ends in the middle of an entry while there is a file `breaks`.
public struct FakeJournal: Sendable {
    public let folder: String
    /// The path of the program; its folder is for PATH.
    public var program: String { folder + "/bin/journalctl" }
    private var entries: String { folder + "/entries" }

    public init(in folder: String) throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder + "/bin", withIntermediateDirectories: true)
        // What a look at the folder finds.
        for name in ["/system.journal", "/entries"] { _ = FileManager.default.createFile(atPath: folder + name, contents: nil) }
        let script = """
            #!/bin/sh
            cursor= follow= first=1
            for argument; do
                case $argument in
                --after-cursor=*) cursor=${argument#*=} ;;
                --follow) follow=-f ;;
                esac
            done
            echo "$@" >> '\(folder)/calls'
            if [ -n "$cursor" ]; then
                first=$(($(grep -nF "\\"__CURSOR\\":\\"$cursor\\"" '\(entries)' | cut -d: -f1) + 1))
            fi
            if [ -e '\(folder)/breaks' ]; then
                tail -n "+$first" '\(entries)' | head -c 700
                echo 'Failed to get journal: Input/output error' >&2
                exit 1
            fi
            exec tail -n "+$first" $follow '\(entries)'

            """
        try script.write(toFile: program, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    }

    /// An entry as `journalctl -o json` writes it.
    public static func entry(_ number: Int, _ message: String, host: String = "gate", pid: Int = 100) -> String {
        "{\"__REALTIME_TIMESTAMP\":\"\(1_795_824_000_000_001 + number * 1_000_000)\",\"_HOSTNAME\":\"\(host)\",\"__CURSOR\":"
            + "\"s=7631dfb5;i=\(String(number, radix: 16));b=2222;m=\(number);t=6614;x=c659\",\"_PID\":\"\(pid)\",\"MESSAGE\":\"\(message)\","
            + "\"SYSLOG_IDENTIFIER\":\"sshd\",\"_COMM\":\"sshd\"}"
    }

    /// Adds entries, each a line.
    public func append(_ entries: [String]) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: self.entries))
        try file.seekToEnd()
        try file.write(contentsOf: Data(entries.map { $0 + "\n" }.joined().utf8))
        try file.close()
    }

    /// Whether the program ends in the middle of an entry.
    public func setBreaks(_ breaks: Bool) throws {
        if breaks {
            _ = FileManager.default.createFile(atPath: folder + "/breaks", contents: nil)
        } else {
            try? FileManager.default.removeItem(atPath: folder + "/breaks")
        }
    }

    /// The arguments of each start so far.
    public var calls: [String] {
        ((try? String(contentsOfFile: folder + "/calls", encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }
}
