import Columns

/// The bounded way from the sources of a pipeline to the one task that runs its stages: when it is full, a source waits.
///
/// The consumer can wait for an element or a point in time, whichever comes first, so that a commit is not late because a
/// source is quiet.
actor PipelineChannel<Element: Sendable> {
    enum Reception: Sendable {
        case element(Element)
        /// The time came before an element.
        case timedOut
        /// Nothing is left and nothing will come.
        case finished
    }

    private let capacity: Int
    private var elements: [Element] = []
    private var isFinished = false
    private var isAbandoned = false
    private var receiver: CheckedContinuation<Void, Never>?
    private var senders: [CheckedContinuation<Void, Never>] = []

    /// How many elements wait, for the `obs_queue_depth` gauge.
    var depth: Int { elements.count }

    /// - Parameter capacity: how many elements may wait. Small: each is up to some megabytes, and one being read while one is
    ///   being worked on keeps both sides busy.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Returns when `element` is in the channel. Elements of one sender keep their order.
    func send(_ element: Element) async {
        while elements.count >= capacity, !isAbandoned {
            await withCheckedContinuation { senders.append($0) }
        }
        elements.append(element)
        wakeReceiver()
    }

    /// No element comes after those that were sent.
    func finish() {
        isFinished = true
        wakeReceiver()
    }

    /// Says that nobody receives any more: waiting senders go on, and their elements are dropped.
    func abandon() {
        isAbandoned = true
        for sender in senders { sender.resume() }
        senders = []
    }

    /// The next element. One task at a time may receive.
    ///
    /// - Parameter deadline: nil waits however long.
    func receive(until deadline: ContinuousClock.Instant?) async -> Reception {
        while true {
            if !elements.isEmpty {
                let element = elements.removeFirst()
                if !senders.isEmpty { senders.removeFirst().resume() }
                return .element(element)
            }
            if isFinished { return .finished }
            if let deadline, ContinuousClock.now >= deadline { return .timedOut }
            let alarm = deadline.map { deadline in
                Task {
                    // A cancelled sleep is the normal end: an element came first.
                    try? await Task.sleep(until: deadline, clock: .continuous)
                    if !Task.isCancelled { self.wakeReceiver() }
                }
            }
            await withCheckedContinuation { receiver = $0 }
            alarm?.cancel()
        }
    }

    private func wakeReceiver() {
        receiver?.resume()
        receiver = nil
    }
}
