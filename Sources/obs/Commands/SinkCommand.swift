import ArgumentParser
import Columns
import Daemon
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct SinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sink", abstract: "Receive webhooks at /hook and print them: to try a route without telling anybody.",
        discussion: """
            Examples:
              obs sink
              obs sink --listen 127.0.0.1:5001
            """)
    @Option(help: "Where to listen.") var listen = "127.0.0.1:5001"

    func validate() throws {
        guard WebhookSink.canListen(on: listen) else {
            throw ValidationError("--listen is '\(listen)'; write host:port such as 127.0.0.1:5001")
        }
    }

    func run() async throws {
        let sink = WebhookSink(listen: listen) { delivery in
            Terminal.write(
                OutsideText("\(delivery.status)  \(delivery.summaries.joined(separator: "; "))").visibleInOneLine + "\n")
        }
        try await ServiceGroup(
            services: [sink, SecondSignal()], gracefulShutdownSignals: [.sigterm, .sigint], logger: .init(label: "obs.sink")
        )
        .run()
    }
}
