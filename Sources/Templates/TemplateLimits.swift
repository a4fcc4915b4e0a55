/// Bounds and thresholds of the template miner: one setting for every log.
///
/// The thresholds were chosen over eight logs, leaving one log out at a time (docs/benchmarks.md, "Templates"). The bounds decide
/// how much memory a miner may ever hold, whatever is fed to it: 58 MB with 4,096 templates of two kilobytes in 127 words each;
/// ordinary logs need about one.
struct TemplateLimits: Sendable, Equatable {
    /// Bytes of a message that are read; what follows becomes one `<*>`.
    var lineLength = 2_048
    /// Tokens of a message that are kept; what follows becomes one `<*>`.
    var tokens = 128
    /// Live templates. At the bound the sixteenth that was seen least recently is evicted.
    var templates = 4_096
    /// Merged ids that still resolve to the template that took them in; the oldest is forgotten first.
    var aliases = 16_384
    /// Entries of the signature cache, rounded up to a power of two. It is a memo only: no id depends on it.
    var cacheEntries = 16_384
    /// Templates of the same length that a new shape is compared with, the youngest first.
    var peers = 512

    /// Values at which one word column becomes a parameter, when nothing else differs.
    var valuesPerColumn = 4
    /// The same for a message that has at least `richMasks` tokens with masks: it is very likely the same statement.
    var valuesPerColumnWhenRich = 3
    /// Tokens with masks that make a message rich.
    var richMasks = 4
    /// Values at which several word columns that differ together become parameters.
    var valuesPerColumnTogether = 8

    /// The same limits with every number moved into the range that the miner can work with.
    func clamped() -> TemplateLimits {
        var limits = self
        limits.lineLength = min(max(lineLength, 16), 65_536)
        limits.tokens = min(max(tokens, 2), 1_024)
        limits.templates = min(max(templates, 16), 1_048_576)
        limits.aliases = min(max(aliases, 0), 4_194_304)
        limits.cacheEntries = min(max(cacheEntries, 2), 1_048_576)
        limits.peers = max(peers, 1)
        limits.valuesPerColumn = max(valuesPerColumn, 2)
        limits.valuesPerColumnWhenRich = max(valuesPerColumnWhenRich, 2)
        limits.valuesPerColumnTogether = max(valuesPerColumnTogether, 2)
        return limits
    }
}
