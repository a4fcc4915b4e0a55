import Columns
import Crypto
import Foundation

/// The file of a model: a line that says what it is, and behind it the model as JSON.
///
///     {"kind":"windows","obs_model":1,"sha256":"9f86d08…"}
///     {"features":["attempts","failures"],…}
///
/// The line has the checksum of what follows, so that a file is known to be whole wherever it was copied to, without the
/// registry.
public struct ModelFile: Sendable {
    private struct Head: Codable {
        var kind: String
        var obs_model = 1
        var sha256: String
    }

    /// The name of the file in a model's folder.
    public static let name = "model.jsonl"
    /// A larger file is refused: reading it would take the memory that the pipelines need.
    static let maxSize = 512 << 20

    /// Which type of model it holds: ``RegisteredModel/kind``.
    let kind: String
    /// The model as JSON.
    private let body: Data
    private let path: String

    /// The bytes of a file that holds `model`.
    static func bytes(of model: some RegisteredModel) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = try encoder.encode(model)
        return try encoder.encode(Head(kind: type(of: model).kind, sha256: checksum(body))) + [UInt8(ascii: "\n")] + body
    }

    /// SHA-256 in hexadecimal digits.
    static func checksum(_ bytes: some DataProtocol) -> String {
        SHA256.hash(data: bytes).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// Reads a file that is whole.
    ///
    /// - Parameters:
    ///   - path: the file, or the folder that it is in.
    ///   - expected: the checksum of the whole file; nil where only its own is known.
    /// - Throws: ``ModelError/damaged(file:)``.
    public init(reading path: String, expecting expected: String? = nil) throws(ModelError) {
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let file = isFolder.boolValue ? path + "/" + Self.name : path
        let size = isThere ? try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int : nil
        guard let size, size <= Self.maxSize, let bytes = FileManager.default.contents(atPath: file),
            expected.map({ $0 == Self.checksum(bytes) }) ?? true, let end = bytes.firstIndex(of: UInt8(ascii: "\n")),
            let head = try? JSONDecoder().decode(Head.self, from: bytes[..<end]), head.obs_model == 1
        else { throw .damaged(file: file) }
        (kind, body, self.path) = (head.kind, Data(bytes[(end + 1)...]), file)
        guard head.sha256 == Self.checksum(body) else { throw .damaged(file: file) }
    }

    /// The model, of whichever kind.
    ///
    /// - Throws: ``ModelError/damaged(file:)``, also for a kind that this obs does not know.
    public func model() throws(ModelError) -> any RegisteredModel {
        guard let type = ModelKinds.all.first(where: { $0.kind == kind }), let model = try? JSONDecoder().decode(type, from: body)
        else { throw .damaged(file: path) }
        return model
    }

    /// The model of a kind that is known.
    func model<Model: RegisteredModel>(as type: Model.Type) throws(ModelError) -> Model {
        guard let model = try? JSONDecoder().decode(type, from: body) else { throw .damaged(file: path) }
        return model
    }
}
