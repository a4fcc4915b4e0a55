/// What this program is.
public enum BuildInfo {
    /// The version, as `obs --version` says it.
    public static let version = "0.1.0"
}
