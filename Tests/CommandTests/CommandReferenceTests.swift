import Daemon
import TestSupport
import Testing

struct `The reference of the command line` {
    @Test func `says what the program says in its help`() throws {
        #expect(try Reference.difference("docs/cli.md", CommandMarkdown(.obs()).text) == nil)
    }

    @Test func `has a man page for obs and for each command, and none that is left over`() throws {
        let pages = ManPages(try .obs(), version: BuildInfo.version).all
        for (name, text) in pages.sorted(by: { $0.key < $1.key }) {
            #expect(try Reference.difference("docs/man/\(name)", text) == nil)
        }
        #expect(Reference.files(in: "docs/man", suffix: ".1") == Set(pages.keys))
    }
}
