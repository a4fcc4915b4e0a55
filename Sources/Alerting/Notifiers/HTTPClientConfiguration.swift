/// How an endpoint is spoken to, with the names of Prometheus' `http_config`. What stands here is done; its other keys are refused.
public struct HTTPClientConfiguration: Sendable, Hashable, Decodable {
    /// What the `Authorization` header says.
    public enum Authorization: Sendable, Hashable {
        case basic(username: String, password: Secret)
        /// The type, such as `Bearer`, and what stands after it.
        case other(type: String, credentials: Secret)
    }

    public struct TLS: Sendable, Hashable, Decodable {
        public var caFile: String?
        public var certificateFile: String?
        public var keyFile: String?
        public var skipsVerification = false

        private enum CodingKeys: String, CodingKey {
            case caFile = "ca_file"
            case certificateFile = "cert_file"
            case keyFile = "key_file"
            case skipsVerification = "insecure_skip_verify"
        }

        public init() {}

        public init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            caFile = try keys.decodeIfPresent(String.self, forKey: .caFile)
            certificateFile = try keys.decodeIfPresent(String.self, forKey: .certificateFile)
            keyFile = try keys.decodeIfPresent(String.self, forKey: .keyFile)
            skipsVerification = try keys.decodeIfPresent(Bool.self, forKey: .skipsVerification) ?? false
            guard (certificateFile == nil) == (keyFile == nil) else {
                throw AlertingError.badHTTP(
                    "has \(keyFile == nil ? "cert_file without key_file" : "key_file without cert_file"); give both or none")
            }
        }
    }

    public var authorization: Authorization?
    public var tls = TLS()
    /// Further headers of each request.
    public var headers: [String: String] = [:]

    private enum CodingKeys: String, CodingKey {
        case authorization, headers
        case basic = "basic_auth"
        case bearer = "bearer_token"
        case bearerFile = "bearer_token_file"
        case tls = "tls_config"
    }

    private struct Basic: Decodable {
        var username: String
        var password: Secret

        private enum CodingKeys: String, CodingKey { case username, password, password_file }

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            username = try keys.decodeIfPresent(String.self, forKey: .username) ?? ""
            password = try keys.secret(.password, orFile: .password_file) ?? .text("")
        }
    }

    private struct Credentials: Decodable {
        var type: String
        var credentials: Secret

        private enum CodingKeys: String, CodingKey { case type, credentials, credentials_file }

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: CodingKeys.self)
            type = try keys.decodeIfPresent(String.self, forKey: .type) ?? "Bearer"
            guard type.lowercased() != "basic" else {
                throw AlertingError.badHTTP("has the authorization type 'basic'; write basic_auth instead")
            }
            credentials = try keys.secret(.credentials, orFile: .credentials_file) ?? .text("")
        }
    }

    public init() {}

    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        let basic = try keys.decodeIfPresent(Basic.self, forKey: .basic).map {
            Authorization.basic(username: $0.username, password: $0.password)
        }
        let bearer = try keys.secret(.bearer, orFile: .bearerFile).map { Authorization.other(type: "Bearer", credentials: $0) }
        let other = try keys.decodeIfPresent(Credentials.self, forKey: .authorization).map {
            Authorization.other(type: $0.type, credentials: $0.credentials)
        }
        let given = [basic, bearer, other].compactMap(\.self)
        guard given.count <= 1 else {
            throw AlertingError.badHTTP("has more than one of basic_auth, bearer_token and authorization; keep one")
        }
        authorization = given.first
        tls = try keys.decodeIfPresent(TLS.self, forKey: .tls) ?? TLS()
        headers = try keys.decodeIfPresent([String: String].self, forKey: .headers) ?? [:]
        for (name, value) in headers {
            let isName = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
            guard isName, !value.contains(where: \.isNewline) else {
                throw AlertingError.badHTTP("has the header '\(name)', which is none")
            }
        }
    }
}
