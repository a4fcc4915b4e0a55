import Foundation

/// Certificates that `openssl` makes in a folder, each as NAME.pem with NAME.key.
public struct Certificates: Sendable {
    /// Where they are.
    public let folder: String

    public static let canBeMade = (try? output(of: "openssl", ["version"]))?.status == 0

    public init(in folder: String) { self.folder = folder }

    private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    /// Makes one that signs others.
    public func makeAuthority(_ name: String) throws {
        try run(
            "openssl",
            ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).pem"] + Self.key,
            in: folder)
    }

    /// Makes one of `localhost` that `authority` has signed.
    public func make(_ name: String, by authority: String) throws {
        try run(
            "openssl", ["req", "-new", "-subj", "/CN=localhost", "-keyout", "\(name).key", "-out", "\(name).csr"] + Self.key,
            in: folder)
        try run(
            "openssl",
            [
                "x509", "-req", "-days", "2", "-in", "\(name).csr", "-CA", "\(authority).pem", "-CAkey", "\(authority).key",
                "-CAcreateserial", "-out", "\(name).pem",
            ], in: folder)
    }
}
