import Columns

/// When a model of windows is trained anew by itself, on what, and what becomes of the new version.
///
///     retrain: { every: 7d, window: 30d, hold_back: 2d, promote: if not worse }
public struct Retraining: Sendable, Hashable, Decodable {
    /// How long after the last training the next one is.
    public var every: Duration
    /// How far back the windows reach that it is trained on.
    public var window: Duration
    /// So much of the newest windows is kept apart, to compare it with the champion on what neither was trained on.
    public var holdBack: Duration
    /// Whether a version that is not worse becomes the champion by itself; else somebody decides.
    public var promotesByRule: Bool

    private enum CodingKeys: String, CodingKey { case every, window, holdBack = "hold_back", promote }

    private enum Promotion: String, Decodable { case byHand = "by hand", ifNotWorse = "if not worse" }

    /// Of the key `retrain` of an entry.
    ///
    /// - Throws: one sentence about the first key that cannot be used.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        every = try container.span(.every, .seconds(7 * 86_400))
        window = try container.span(.window, .seconds(30 * 86_400))
        holdBack = try container.span(.holdBack, .seconds(2 * 86_400))
        promotesByRule = try container.decodeIfPresent(Promotion.self, forKey: .promote) == .ifNotWorse
        guard every >= .seconds(3600) else {
            throw container.refused(.every, "'every' is less than an hour; write a duration such as 7d")
        }
        guard holdBack < window else {
            throw container.refused(.holdBack, "'hold_back' leaves nothing of 'window' to train on; write a shorter one")
        }
    }

    /// Whether a model is to be trained, when its newest version is of `last`.
    public func isDue(after last: Timestamp, now: Timestamp) -> Bool { now - last >= every }

    /// The times of the windows to train on, and of those that are kept apart.
    public func ranges(now: Timestamp) -> (training: ClosedRange<Timestamp>, heldBack: ClosedRange<Timestamp>) {
        ((now - window)...(now - holdBack), (now - holdBack)...now)
    }
}
