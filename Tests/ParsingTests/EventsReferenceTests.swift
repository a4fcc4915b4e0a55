import Columns
import TestSupport
import Testing

@testable import Parsing

/// docs/events.md is written from the events that the code knows.
struct `The reference of the events` {
    @Test func `has every event with its names in ECS and a line of example`() throws {
        #expect(try Reference.difference("docs/events.md", Self.page()) == nil)
    }

    @Test func `has for each event an example that is read as it`() {
        for event in SSHEvent.allCases {
            let events = SSHD.parse([event.ecs.example]).events
            #expect(events.count == 1, "\(event.rawValue): \(event.ecs.example)")
            guard events.count == 1 else { continue }
            #expect(events["event"]!.string(at: 0) == event.rawValue, "\(event.ecs.example)")
        }
    }

    private static func page() -> String {
        var page = """
            # Events of `silver.ssh`

            Written by `make references` from the code. One vocabulary for sshd, PAM, dropbear, the programs that change accounts, `login`, `cron`,
            `systemd-logind` and the audit trail. [formats.md](formats.md#sshd) says how a line becomes an event.

            | column | in ECS | |
            |---|---|---|
            | `event_time` | `@timestamp` | |
            | `event` | `event.action` | one of the list below |
            | `outcome` | `event.outcome` | `success` is `success`; `failure`, `abandoned` and `refused` are `failure`; none is `unknown` |
            | `user` | `user.name` | as the client or sshd wrote it |
            | `source` | `source.ip` | `source.domain` where sshd writes a host's name |
            | `port` | `source.port` | |
            | `host` | `host.name` | |
            | `process`, `pid` | `process.name`, `process.pid` | |
            | `file`, `offset` | `log.file.path`, `log.offset` | |

            `stage`, `method` and `count` have no field in ECS. The outcome in the table is that of the example alone; an attempt has one outcome, whatever the
            number of its lines.

            | `event.action` | `event.category` | `event.type` | outcome | example |
            |---|---|---|---|---|

            """
        for event in SSHEvent.allCases {
            let ecs = event.ecs, events = SSHD.parse([ecs.example]).events
            let outcome = events.count == 1 ? events["outcome"]!.string(at: 0) ?? "" : ""
            page +=
                "| `\(event.rawValue)` | \(ecs.category) | \(ecs.type) | \(outcome) | `\(ecs.example.replacing("|", with: "\\|"))` |\n"
        }
        return page
    }
}
