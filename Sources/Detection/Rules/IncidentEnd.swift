/// How the incidents of a rule end: `ends: by hand`, `ends: quiet 10m`, or `ends: quiet` for as long as `resolve_timeout` says.
public enum IncidentEnd: Sendable, Hashable, Codable {
    /// Only a person ends it: that nothing new is seen does not mean recovery.
    case byHand
    /// It ends after so long without anything new; nil is `resolve_timeout`.
    case quiet(Duration?)
}
