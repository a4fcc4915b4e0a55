import Foundation
import TestSupport
import Testing

/// The clients that others wrote for the protocols of pushes, as senders to the real binary.
@Suite(.timeLimit(.minutes(10)))
struct `Lines that a client of another project pushes` {
    private let folder = TemporaryFolder()
    private static let count = 600

    /// What all scripts begin with: the address and the lines.
    private static let head = """
        import logging, sys
        url = sys.argv[1]
        lines = [f"Nov 28 00:00:00 gate sshd[{n}]: Failed password for root from 192.0.2.{n % 250} port {1000 + n} ssh2" for n in range(\(count))]

        """

    private static let otlp = """
        from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.sdk.resources import Resource
        provider = LoggerProvider(resource=Resource.create({"service.name": "auth"}))
        provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=url + "/v1/logs", compression=Compression.Gzip)))
        logger = logging.getLogger("auth")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(LoggingHandler(logger_provider=provider))
        for line in lines: logger.info(line)
        provider.shutdown()
        """

    private static let loki = """
        import logging_loki
        logger = logging.getLogger("auth")
        logger.setLevel(logging.INFO)
        logger.addHandler(logging_loki.LokiHandler(url=url + "/loki/api/v1/push", tags={"job": "auth"}, version="1"))
        for line in lines: logger.info(line)
        """

    private static let elasticsearch = """
        from elasticsearch import Elasticsearch, helpers
        client = Elasticsearch(url + "/elasticsearch", http_compress=True)
        done, failed = helpers.bulk(client, ({"_op_type": "create", "_index": "logs", "message": line} for line in lines))
        assert done == len(lines) and not failed, (done, failed)
        """

    private struct Client: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let modules: String
        let script: String
    }

    private static let clients = [
        Client(
            testDescription: "OpenTelemetry's exporter",
            modules: "opentelemetry.sdk._logs, opentelemetry.exporter.otlp.proto.http._log_exporter", script: otlp),
        Client(testDescription: "logging-loki", modules: "logging_loki", script: loki),
        Client(testDescription: "the client of Elasticsearch", modules: "elasticsearch", script: elasticsearch),
    ].filter { peersPython(has: $0.modules) }

    @Test(
        .enabled(if: !clients.isEmpty, "needs opentelemetry-exporter-otlp-proto-http, python-logging-loki or elasticsearch"),
        arguments: clients)
    private func `are in the tables once, as what they are`(_ client: Client) async throws {
        let base = "http://127.0.0.1:\(freePort())"
        try """
        http: { listen: "\(base.dropFirst(7))" }
        data_dir: data
        sources: [{ name: pushed, http: true, silent_after: never }]

        """.write(toFile: folder.path + "/obs.yaml", atomically: true, encoding: .utf8)
        try (Self.head + client.script).write(toFile: folder.path + "/send.py", atomically: true, encoding: .utf8)
        let obs = try Program.start(["run"], in: folder.path)
        #expect(await eventually { await Program.get(base + "/-/ready") != nil })
        let sent = try await Task { [folder] in try output(of: peersPython, [folder.path + "/send.py", base]) }.value
        #expect(sent.status == 0, "\(sent.text)")
        try await expectFailedPasswords(Self.count, in: folder.path)
        Program.kill(obs, SIGTERM)
    }
}
