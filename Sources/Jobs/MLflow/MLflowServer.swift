import Columns
import Foundation
import Transfer

/// A tracking server of MLflow, spoken to by its REST API 2.0, as MLflow 2 and 3 have it.
///
/// Source: MLflow, "REST API".
struct MLflowServer: Sendable {
    /// Why a server did not do what it was asked.
    enum Failure: Error, CustomStringConvertible {
        case badURL(String)
        case noAnswer(String, reason: String)
        case refused(String, path: String, status: Int, code: String, reason: String)
        case badAnswer(String, path: String)
        case foreignArtifacts(String, root: String)

        var description: String {
            switch self {
            case .badURL(let url): "mlflow.tracking_uri is '\(url)'; write such as http://127.0.0.1:5000"
            case .noAnswer(let url, let reason): "\(url) does not answer: \(reason); is 'mlflow server' running there?"
            case .refused(let url, let path, let status, _, let reason): "\(url): \(path) is refused with \(status): \(reason)"
            case .badAnswer(let url, let path):
                "\(url): \(path) is not answered as MLflow's API 2.0 does; is it a server of MLflow?"
            case .foreignArtifacts(let url, let root):
                "\(url) keeps artefacts in '\(root)', where obs cannot write; start 'mlflow server' with --serve-artifacts"
            }
        }
    }

    /// The file of a model may be large, and the server writes it on.
    private static let uploadTimeout = Duration.seconds(600)

    private let url: String
    private let token: String?

    /// - Parameters:
    ///   - url: with its path prefix, if it has one.
    ///   - token: sent as a bearer token; nil sends none.
    init(_ url: String, token: String? = nil) throws(Failure) {
        var text = url
        while text.utf8.last == UInt8(ascii: "/") { text.unicodeScalars.removeLast() }
        guard let parts = URLComponents(string: text), ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false
        else { throw .badURL(url) }
        (self.url, self.token) = (text, token)
    }

    /// Asks; nil when there is no such thing.
    func find(_ path: String, _ query: [(String, String)]) throws -> JSON? {
        do {
            return try send("GET", "\(path)?\(Self.query(query))", nil)
        } catch Failure.refused(_, _, _, "RESOURCE_DOES_NOT_EXIST", _) {
            return nil
        }
    }

    /// Has it do something.
    @discardableResult
    func post(_ path: String, _ members: [JSON.Member]) throws -> JSON { try send("POST", path, .object(members)) }

    /// The same, and passes when it was done before.
    func make(_ path: String, _ members: [JSON.Member]) throws {
        do { try post(path, members) } catch Failure.refused(_, _, _, "RESOURCE_ALREADY_EXISTS", _) {}
    }

    func delete(_ path: String, _ members: [JSON.Member]) throws { _ = try send("DELETE", path, .object(members)) }

    /// Stores a file among the artefacts of a run, through the server.
    ///
    /// - Parameter root: where the server keeps the run's artefacts, such as `mlflow-artifacts:/1/0123/artifacts`.
    func upload(_ bytes: Data, to path: String, under root: String) throws {
        guard let place = URLComponents(string: root), place.scheme == "mlflow-artifacts" else {
            throw Failure.foreignArtifacts(url, root: root)
        }
        var request = WebRequest("PUT", "\(url)/api/2.0/mlflow-artifacts/artifacts\(place.percentEncodedPath)/\(path)")
        request.headers = ["Content-Type": "application/octet-stream"]
        request.body = bytes
        request.timeout = Self.uploadTimeout
        _ = try answer(request, path)
    }

    private func send(_ method: String, _ path: String, _ body: JSON?) throws -> JSON {
        var request = WebRequest(method, "\(url)/api/2.0/mlflow/\(path)")
        request.headers = ["Content-Type": "application/json"]
        request.body = body.map { Data($0.bytes()) }
        request.answerLimit = 1 << 20
        let answer = try answer(request, path)
        guard let json = try? JSON(parsing: Array(answer)), case .object = json else { throw Failure.badAnswer(url, path: path) }
        return json
    }

    private func answer(_ request: WebRequest, _ path: String) throws -> Data {
        var request = request
        if let token { request.headers["Authorization"] = "Bearer \(token)" }
        let answer: WebAnswer
        do { answer = try request.perform() } catch { throw Failure.noAnswer(url, reason: error.reason) }
        guard answer.isSuccess else {
            let json = try? JSON(parsing: Array(answer.body))
            let said = json?["message"]?.text ?? OutsideText(String(decoding: answer.body.prefix(200), as: UTF8.self)).inOneLine
            throw Failure.refused(
                url, path: path, status: answer.status, code: json?["error_code"]?.text ?? "", reason: said)
        }
        return answer.body
    }

    private static func query(_ parameters: [(String, String)]) -> String {
        var parts = URLComponents()
        parts.queryItems = parameters.map { URLQueryItem(name: $0.0, value: $0.1) }
        return parts.percentEncodedQuery ?? ""
    }
}
