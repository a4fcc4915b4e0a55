/// Waits for something to become true; false when it has not after `seconds`, which only a hang or a very busy machine needs.
public func eventually(
    within seconds: Int = 300, every interval: Duration = .milliseconds(5), isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    repeat {
        if try await condition() { return true }
        try? await Task.sleep(for: interval)
    } while ContinuousClock.now < deadline
    return false
}
