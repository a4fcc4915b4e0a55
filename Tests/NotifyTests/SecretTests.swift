import Columns
import Foundation
import TestSupport
import Testing

@testable import Configuration
@testable import Notify

struct `A secret by command` {
    private let folder = TemporaryFolder()

    private func secret(_ script: String, timeLimit: Duration = .seconds(20)) -> SecretCommand {
        SecretCommand(["sh", "-c", script], timeLimit: timeLimit)
    }

    @Test func `is what the program prints, in one line, and is asked for once`() throws {
        let secret = secret("echo x >> '\(folder.path)/starts'; echo '  hunter2-é '")
        #expect(try secret.reveal() == "hunter2-é")
        #expect(try secret.reveal() == "hunter2-é")
        #expect(try String(contentsOfFile: folder.path + "/starts", encoding: .utf8) == "x\n")
    }

    @Test(arguments: [
        ("echo hunter2; echo hunter2 >&2; exit 3", "it ended with status 3"), ("true", "it did not print one line of text"),
        ("printf 'hunter2\\nhunter2\\n'", "it did not print one line of text"),
        ("while :; do echo hunter2hunter2hunter2; done", "it printed more than 65536 bytes"),
        ("kill -9 $$", "it ended with status 137"),
    ])
    func `is refused without a word of what was printed`(script: String, reason: String) throws {
        let error = #expect(throws: NotifierError.self) { try secret(script).reveal() }
        #expect(error?.description == "the command 'sh' gives no secret: \(reason); run it by hand as the user of obs")
    }

    @Test func `is not waited for longer than its time, nor are programs that it has started`() throws {
        let error = #expect(throws: NotifierError.self) {
            try secret("sleep 60 & sleep 60", timeLimit: .milliseconds(200)).reveal()
        }
        #expect(error?.description.contains("it took longer than 0.2 s") == true)
    }

    @Test func `is tried again after a failure, and says which program is missing`() throws {
        let secret = secret("test -e '\(folder.path)/ready' && echo late")
        #expect(throws: NotifierError.self) { try secret.reveal() }
        try Data().write(to: URL(filePath: folder.path + "/ready"))
        #expect(try secret.reveal() == "late")
        let missing = #expect(throws: NotifierError.self) { try SecretCommand(["obs-no-such-vault"]).reveal() }
        #expect(missing?.description.contains("'obs-no-such-vault' gives no secret: No such file") == true)
    }

    private struct Holder: Decodable { var token: Secret }

    @Test func `stands beside the other ways in the configuration, and is not started by reading it`() throws {
        func read(_ text: String) throws -> Secret {
            try YAMLDocument(text, file: folder.path + "/obs.yaml").decode(Holder.self, environment: ["TOKEN": "by-variable"])
                .token
        }
        try Data("by-file\n".utf8).write(to: URL(filePath: folder.path + "/key"))
        #expect(try read("token: in-place").reveal() == "in-place")
        #expect(try read("token: { environment: TOKEN }").reveal() == "by-variable")
        #expect(try read("token: ${TOKEN}").reveal() == "by-variable")
        #expect(try read("token: { file: key }").reveal() == "by-file")
        #expect(try read("token: { command: [printf, by-program] }").reveal() == "by-program")
        _ = try read("token: { command: [touch, '\(folder.path)/started'] }")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/started"))
        for (text, words) in [
            ("token: { command: [] }", "is empty"), ("token: { file: key, environment: TOKEN }", "one of the keys"),
            ("token: { environment: NONE }", "${NONE} is not set"),
            ("token: { command: [a], commnd: [b] }", "unknown key 'commnd'"),
        ] {
            #expect { try read(text) } throws: { "\($0)".contains(words) }
        }
        // Nor is anything of it shown, its arguments neither.
        let shown = try YAMLDocument("token: { command: [vault, hunter2] }", file: "obs.yaml").shown(as: Holder.self)
        #expect(!shown.contains("hunter2") && shown.contains("<secret>"))
        #expect(!"\(try read("token: { command: [vault, hunter2] }"))".contains("hunter2"))
    }
}
