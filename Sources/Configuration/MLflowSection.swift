import Columns
import Foundation

extension Configuration {
    /// The MLflow server that shows the registry of models: the section `mlflow`.
    ///
    ///     mlflow: { tracking_uri: "http://127.0.0.1:5000", experiment: obs }
    public struct MLflow: Sendable, Hashable, Decodable {
        /// Its URL, with its path prefix, if it has one; "" shows the registry nowhere.
        public var trackingURI: String
        /// The name of the experiment that trainings are runs of.
        public var experiment: String
        private var tokenFile: String?

        private enum CodingKeys: String, CodingKey {
            case experiment
            case trackingURI = "tracking_uri", tokenFile = "token_file"
        }

        /// - Throws: one sentence about the first key that cannot be used.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            trackingURI = try container.decodeIfPresent(String.self, forKey: .trackingURI) ?? ""
            experiment = try container.decodeIfPresent(String.self, forKey: .experiment) ?? "obs"
            tokenFile = try container.decodeIfPresent(String.self, forKey: .tokenFile)
            let parts = URLComponents(string: trackingURI)
            guard
                trackingURI.isEmpty || ["http", "https"].contains(parts?.scheme ?? "") && parts?.host?.isEmpty == false
            else {
                throw container.refused(
                    .trackingURI, "tracking_uri is '\(trackingURI)'; write such as http://127.0.0.1:5000")
            }
            guard !experiment.isEmpty, experiment.utf8.count <= 200 else {
                throw container.refused(.experiment, "experiment is to be a name of at most 200 bytes")
            }
        }

        /// What is sent as a bearer token; nil when there is no file of it. Read anew each time, because tokens are changed.
        ///
        /// - Throws: ``UsageError`` when the file cannot be read.
        public func token() throws -> String? {
            guard let tokenFile else { return nil }
            guard let bytes = FileManager.default.contents(atPath: tokenFile) else {
                throw UsageError("\(tokenFile): the token of mlflow cannot be read; look at its permissions")
            }
            return OutsideText(String(decoding: bytes, as: UTF8.self)).trimmed
        }
    }
}
