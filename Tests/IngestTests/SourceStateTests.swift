import Columns
import Foundation
import TestSupport
import Testing

@testable import Ingest

struct `A look at the place of a source` {
    private let folder = TemporaryFolder()

    private func make(_ names: String...) throws {
        for name in names { try "a line\n".write(toFile: "\(folder.path)/\(name)", atomically: true, encoding: .utf8) }
    }

    @Test func `finds the file, or those that a pattern matches, and passes folders over`() throws {
        try make("a.log", "b.log", "c.txt")
        try FileManager.default.createDirectory(atPath: folder.path + "/d.log", withIntermediateDirectories: true)
        let path = folder.path
        #expect(SourceLook.followed(path + "/a.log") == SourceLook(files: [path + "/a.log"]))
        #expect(SourceLook.followed(path + "/*.log") == SourceLook(files: [path + "/a.log", path + "/b.log"]))
        #expect(SourceLook.file(path + "/c.txt") == SourceLook(files: [path + "/c.txt"]))
        #expect(SourceLook.folder(path) == SourceLook(files: [path]))
    }

    @Test func `takes a path that is there for itself before it is a pattern`() throws {
        try make("app[1].log", "app1.log")
        let literal = folder.path + "/app[1].log"
        #expect(SourceLook.followed(literal).files == [literal])
        try FileManager.default.removeItem(atPath: literal)
        #expect(SourceLook.followed(literal).files == [folder.path + "/app1.log"])
    }

    @Test(arguments: ["none.log", "none*.log", "none/a.log", "file/a.log"])
    func `says what is missing`(name: String) throws {
        try make("file")
        let path = "\(folder.path)/\(name)"
        #expect(SourceLook.followed(path) == SourceLook(problem: .missing(path)))
    }

    @Test func `says of what is no regular file what it is`() throws {
        let path = folder.path
        #expect(mkfifo(path + "/pipe", 0o600) == 0)
        #expect(SourceLook.followed(path + "/pipe").problem == .irregular(path + "/pipe", kind: "FIFO"))
        #expect(SourceLook.followed(path).problem == .irregular(path, kind: "folder"))
        #expect(SourceLook.followed("/dev/null").problem == .irregular("/dev/null", kind: "device"))
        #expect(SourceLook.followed(path + "/p*").problem == .irregular(path + "/pipe", kind: "FIFO"))
        #expect(SourceLook.file(path).problem == .irregular(path, kind: "folder"))
        try make("file")
        #expect(SourceLook.folder(path + "/file").problem?.reason == .irregular)
        // Beside a file that is followed it is passed over.
        #expect(SourceLook.followed(path + "/*") == SourceLook(files: [path + "/file"]))
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything"))
    func `says what this user may not read, and which folder is closed`() throws {
        try make("open.log", "closed.log")
        let path = folder.path
        chmod(path + "/closed.log", 0)
        #expect(SourceLook.followed(path + "/closed.log").problem?.reason == .unreadable)
        let some = SourceLook.followed(path + "/*.log")
        #expect(some.files == [path + "/open.log"] && some.problem?.reason == .unreadable)
        try FileManager.default.createDirectory(atPath: path + "/closed", withIntermediateDirectories: true)
        chmod(path + "/closed", 0)
        defer { chmod(path + "/closed", 0o700) }
        for name in ["a.log", "*.log"] {
            #expect(
                SourceLook.followed("\(path)/closed/\(name)").problem?.sentence?.contains("open the folder \(path)/closed")
                    == true)
        }
    }
}

struct `The state of a source` {
    @Test(
        arguments: [
            (.reading, "reading", nil),
            (
                .missing("/a.log"), "missing",
                "/a.log: there is no such file; it is read as soon as it appears, or correct the path"
            ),
            (.missing("/*.log"), "missing", "no file matches /*.log; it is read as soon as one appears, or correct the pattern"),
            (
                .unreadable("/a.log", access: FileAccess(user: "obs", group: "adm")), "unreadable",
                "/a.log: user 'obs' may not read it; add it to the group that may with 'usermod -aG adm obs', and start obs again"
            ),
            (
                .unreadable("/a.log", access: FileAccess(user: "obs")), "unreadable",
                "/a.log: user 'obs' may not read it; change its permissions, or run obs as who may"
            ),
            (
                .irregular("/a", kind: "FIFO"), "not_regular",
                "/a: is a FIFO, which 'file' does not follow; name it under 'pipe' in the place of 'file'"
            ),
            (
                .irregular("/a", kind: "socket"), "not_regular",
                "/a: is a socket, and only regular files are followed; name a file, or push the lines to a source with 'http: true'"
            ),
            (
                .notUnderstood(lines: 100, format: "sshd", place: "/a.log"), "not_understood",
                "/a.log: none of its first 100 lines are understood as 'sshd'; look with 'obs parse --format sshd FILE' and name the pipeline that fits"
            ),
            (
                .silent(since: Timestamp(seconds: 0), for: .seconds(7300), limit: .seconds(600), place: "/a.log"), "silent",
                "/a.log: no line for 2 h, and 10 min is the longest that is usual; look whether what writes it runs, or set silent_after"
            ),
        ] as [(SourceState, String, String?)])
    func `says what is wrong, where, and what to do`(state: SourceState, reason: String, sentence: String?) {
        #expect(state.reason.rawValue == reason && state.sentence == sentence)
        #expect(state.isUp == (sentence == nil))
    }
}

struct `The habit of a source` {
    /// What it is after `days` days, each of which is made of these gaps in seconds.
    private func habit(days: Int, _ gaps: [(count: Int, seconds: Int)]) -> SourceHabit {
        var habit = SourceHabit()
        for _ in 0..<days { for gap in gaps { for _ in 0..<gap.count { habit.learn(.seconds(gap.seconds)) } } }
        return habit
    }

    @Test func `is not known from a few lines`() {
        #expect(SourceHabit().limit == SourceHabit.unknown)
        #expect(habit(days: 1, [(9, 3600)]).limit == SourceHabit.unknown)
        // A backlog that is read in a moment tells nothing.
        #expect(habit(days: 1, [(1000, 0)]).limit == SourceHabit.unknown)
    }

    @Test func `is ten minutes at least, however busy it is`() {
        #expect(habit(days: 1, [(86_400, 1)]).limit == SourceHabit.floor)
    }

    @Test func `takes a log that is written once an hour for what it is`() {
        let limit = habit(days: 1, [(24, 3600)]).limit
        #expect(limit > .seconds(2 * 3600) && limit < .seconds(6 * 3600))
    }

    @Test func `has learned after a few days that nothing comes by night`() {
        let limit = habit(days: 3, [(57_600, 1), (1, 28_800)]).limit
        #expect(limit > .seconds(28_800) && limit < .seconds(2 * 86_400))
    }

    @Test func `goes by the gaps up to which exactly nine tenths of the time were spent`() {
        // 18 times 512 s are nine tenths of 10,240 s.
        #expect(habit(days: 1, [(18, 512), (1, 1024)]).limit == .seconds(3 * 512))
        #expect(habit(days: 1, [(17, 512), (1, 512 + 1024)]).limit == .seconds(3 * 2048))
    }

    @Test func `follows a source that changes its ways`() {
        var habit = habit(days: 10, [(24, 3600)])
        for _ in 0..<60 * 1440 { habit.learn(.seconds(60)) }
        #expect(habit.limit == SourceHabit.floor)
    }

    @Test func `is the same after it was written down`() throws {
        let known = habit(days: 2, [(24, 3600)])
        #expect(try JSONDecoder().decode(SourceHabit.self, from: JSONEncoder().encode(known)) == known)
    }
}
