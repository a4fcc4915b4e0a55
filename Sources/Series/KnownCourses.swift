/// The courses that a series has taken, and how far the newest is from the nearest of them.
///
/// A course is eight means of four values each, relative to the level of the series, in its deviations. Each fourth course is
/// kept, the oldest making way: a left matrix profile over a bounded past, without the normalization that would make noise of a
/// calm stretch look like a pattern.
///
/// Source: Lu, Wu, Mueen, Zuluaga, Keogh: DAMP: Accurate, Scalable Time Series Anomaly Detection, KDD 2022 (left discord).
struct KnownCourses: Sendable, Equatable {
    static let capacity = 128
    private static let blockLength = 4

    /// The last eight block means, oldest first.
    var course = SIMD8<Float>(repeating: 0)
    /// Of the block that is not complete yet.
    var sum = 0.0
    /// Complete blocks so far.
    var blocks = 0
    var library: [SIMD8<Float>] = []

    /// - Parameters:
    ///   - number: of the value in its series.
    ///   - learning: whether the course may be kept.
    /// - Returns: the distance to the nearest course, when a block is complete and there is something to compare with.
    mutating func observe(_ value: Double, number: Int, level: RobustLevel, learning: Bool) -> Double? {
        sum += min(max((value - level.mean) / level.scale, -1e6), 1e6)
        guard number % Self.blockLength == Self.blockLength - 1 else { return nil }
        let old = course
        for i in 0..<7 { course[i] = old[i + 1] }
        course[7] = Float(sum / Double(Self.blockLength))
        sum = 0
        blocks += 1
        guard blocks >= 8 else { return nil }
        let nearest = nearestDistance()
        if learning, blocks % 4 == 0 { remember() }
        return library.count > 8 ? nearest : nil
    }

    private func nearestDistance() -> Double {
        var least = Float.infinity
        for known in library {
            let difference = known - course
            least = min(least, (difference * difference).sum())
        }
        return Double(least).squareRoot()
    }

    private mutating func remember() {
        if library.count < Self.capacity { return library.append(course) }
        library[Int(blocks / 4) % Self.capacity] = course
    }
}
