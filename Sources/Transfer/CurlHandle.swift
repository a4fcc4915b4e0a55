package import CCurl
package import Columns
package import Foundation

/// One use of libcurl, freed with its owner.
package struct CurlHandle: ~Copyable {
    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    package struct Outcome {
        package var code: CURLcode
        /// What went wrong, in libcurl's words.
        package var problem: String
        package var answer = Data()
        /// Of an upload: what a mail server was asked of recipients (`>RCPT TO:…`) and all that it answered (`<250 ok`), line
        /// by line, to a limit.
        package var conversation = ""
    }

    private let handle: UnsafeMutableRawPointer
    private let lists = Lists()

    private final class Lists {
        var all: [UnsafeMutablePointer<curl_slist>] = []
        var gate: Gate?
        var doors: [UnsafeMutablePointer<obs_curl_gate>] = []

        deinit {
            for list in all { curl_slist_free_all(list) }
            for door in doors { door.deallocate() }
        }
    }

    /// Whether a connection to an address may be made.
    private final class Gate {
        let permits: (IPAddress) -> Bool
        init(_ permits: @escaping (IPAddress) -> Bool) { self.permits = permits }
    }

    /// Nil when libcurl cannot be started.
    package init?() {
        guard Self.isReady, let handle = curl_easy_init() else { return nil }
        self.handle = handle
        set(CURLOPT_NOSIGNAL, 1)
    }

    deinit { curl_easy_cleanup(handle) }

    package func set(_ option: CURLoption, _ value: Int) { _ = obs_curl_set_long(handle, option, value) }
    package func set(_ option: CURLoption, _ value: String) { _ = obs_curl_set_text(handle, option, value) }

    package func set(_ option: CURLoption, list values: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for value in values { list = curl_slist_append(list, value) }
        if let list { lists.all.append(list) }
        _ = obs_curl_set_pointer(handle, option, list)
    }

    package func set(timeout: Duration) {
        let milliseconds = max(1, Int(timeout.inMicroseconds / 1000))
        set(CURLOPT_CONNECTTIMEOUT_MS, min(milliseconds, 5000))
        set(CURLOPT_TIMEOUT_MS, milliseconds)
    }

    /// Asks `permits` before each connection of this handle, also one to a proxy, of the address that the name was looked up to.
    /// Where it says no, libcurl tries the next address of the name, and fails when there is none.
    package func ask(_ permits: @escaping (IPAddress) -> Bool) {
        let gate = Gate(permits)
        lists.gate = gate
        // Safe because the handle keeps the object and the pointer to it, and libcurl connects only while the handle is used.
        let door = UnsafeMutablePointer<obs_curl_gate>.allocate(capacity: 1)
        door.initialize(
            to: obs_curl_gate(
                permits: { context, address in
                    guard let context, let address else { return 0 }
                    let gate = Unmanaged<Gate>.fromOpaque(context).takeUnretainedValue()
                    return IPAddress(String(cString: address)).map(gate.permits) == true ? 1 : 0
                }, context: Unmanaged.passUnretained(gate).toOpaque()))
        lists.doors.append(door)
        obs_curl_open_sockets_through(handle, door)
    }

    package func set(_ options: CurlOptions) {
        for (option, value) in options.all {
            switch value {
            case .number(let number): set(option, number)
            case .text(let text): set(option, text)
            case .list(let list): set(option, list: list)
            }
        }
    }

    package func text(_ info: CURLINFO) -> String? {
        var value: UnsafePointer<CChar>?
        _ = obs_curl_get_text(handle, info, &value)
        return value.map { String(cString: $0) }
    }

    package func number(_ info: CURLINFO) -> Int {
        var value = 0
        _ = obs_curl_get_long(handle, info, &value)
        return value
    }

    /// Sends `body` and keeps at most `answerLimit` bytes of what comes back.
    package func perform(body: Data?, answerLimit: Int) -> Outcome {
        guard let body else { return receive(answerLimit) }
        set(CURLOPT_POSTFIELDSIZE, body.count)
        return body.withUnsafeBytes { bytes in
            // Safe because libcurl reads POSTFIELDSIZE bytes during the call, while `body` is held; an empty body has no
            // address of its own.
            var empty: UInt8 = 0
            return withUnsafeMutablePointer(to: &empty) { none in
                let start = bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) } ?? UnsafeMutableRawPointer(none)
                _ = obs_curl_set_pointer(handle, CURLOPT_POSTFIELDS, start)
                return receive(answerLimit)
            }
        }
    }

    /// Uploads a mail, to those of its recipients whom the server takes.
    package func perform(upload: Data) -> Outcome {
        var copy = upload
        _ = obs_curl_allow_refused_recipients(handle)
        // Safe because the buffer outlives the transfer, after which nothing is written to it.
        let heard = UnsafeMutablePointer<CChar>.allocate(capacity: Self.conversationLimit)
        defer { heard.deallocate() }
        var conversation = obs_curl_buffer(bytes: heard, used: 0, capacity: Self.conversationLimit)
        var outcome = withUnsafeMutablePointer(to: &conversation) { listener in
            obs_curl_listen_into(handle, listener)
            defer { _ = obs_curl_set_long(handle, CURLOPT_VERBOSE, 0) }
            return send(&copy)
        }
        outcome.conversation = String(
            decoding: UnsafeRawBufferPointer(start: heard, count: conversation.used), as: UTF8.self)
        return outcome
    }

    private static let conversationLimit = 262_144

    private func send(_ copy: inout Data) -> Outcome {
        return copy.withUnsafeMutableBytes { bytes in
            var source = obs_curl_buffer(
                bytes: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), used: 0, capacity: bytes.count)
            return withUnsafeMutablePointer(to: &source) { source in
                obs_curl_send_from(handle, source)
                return receive(4096)
            }
        }
    }

    private func receive(_ limit: Int) -> Outcome {
        // Safe because both buffers outlive the transfer, which is over when curl_easy_perform returns.
        let answer = UnsafeMutablePointer<CChar>.allocate(capacity: limit)
        let problem = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        problem.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        defer {
            answer.deallocate()
            problem.deallocate()
        }
        _ = obs_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, problem)
        var sink = obs_curl_buffer(bytes: answer, used: 0, capacity: limit)
        return withUnsafeMutablePointer(to: &sink) { sink in
            obs_curl_receive_into(handle, sink)
            let code = curl_easy_perform(handle)
            _ = obs_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, nil)
            let said = String(cString: problem)
            return Outcome(
                code: code, problem: said.isEmpty ? String(cString: curl_easy_strerror(code)) : said,
                answer: Data(bytes: answer, count: sink.pointee.used))
        }
    }
}
