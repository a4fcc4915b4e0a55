import Columns

/// What is about somebody's identity is Authentication (3002), what changes an account Account Change (3001); the rest, which
/// sshd says of its connections and of itself, is a Base Event (0), so that no row is left out.
///
/// Source: Open Cybersecurity Schema Framework 1.8.0, classes `authentication`, `account_change` and `base_event`.
extension SecurityEvent {
    private static let version = "1.8.0"

    /// A class of events, and what happened in its terms.
    struct Activity: Equatable {
        var classID: Int64
        var className: String
        var id: Int64
        var name: String

        /// The category is the thousands of a class.
        var categoryID: Int64 { classID / 1000 }
        var categoryName: String { categoryID == 3 ? "Identity & Access Management" : "Uncategorized" }
        var typeID: Int64 { classID * 100 + id }

        static func authentication(_ id: Int64, _ name: String) -> Activity {
            Activity(classID: 3002, className: "Authentication", id: id, name: name)
        }
        static func account(_ id: Int64, _ name: String) -> Activity {
            Activity(classID: 3001, className: "Account Change", id: id, name: name)
        }
    }

    var activity: Activity {
        switch event {
        case .sudo, .sudoRefused, .su, .suRefused, .keysChanged: return .authentication(7, "Account Switch")
        case .sessionOpened: return .authentication(1, "Logon")
        case .sessionClosed: return .authentication(2, "Logoff")
        case .accountCreated: return .account(1, "Create")
        case .passwordChanged: return .account(3, "Password Change")
        case .accountChanged: return .account(99, action)
        default: break
        }
        switch event.ecs.category {
        // A part of an attempt is not an attempt: only one of the lines of an attempt is the logon.
        case "authentication": return event.ecs.type == "start" ? .authentication(1, "Logon") : .authentication(99, action)
        case "session": return .authentication(99, action)
        // A connection that ends an attempt is the attempt.
        case "network" where outcome != nil: return .authentication(1, "Logon")
        default: return Activity(classID: 0, className: "Base Event", id: 99, name: action)
        }
    }

    var ocsf: JSON {
        let activity = activity, isOfIdentity = activity.classID > 0
        let isRefused = [.sudoRefused, .suRefused, .consoleLoginFailed].contains(event)
        let status: (Int64, String) =
            hasFailed || isRefused ? (2, "Failure") : outcome == .success || isDone ? (1, "Success") : (0, "Unknown")
        return .object(
            ("activity_id", .integer(activity.id)), ("activity_name", .text(activity.name)),
            ("category_uid", .integer(activity.categoryID)), ("category_name", .text(activity.categoryName)),
            ("class_uid", .integer(activity.classID)), ("class_name", .text(activity.className)),
            ("type_uid", .integer(activity.typeID)),
            ("type_name", .text("\(activity.className): \(activity.id == 99 ? "Other" : activity.name)")),
            ("time", .integer(time.microseconds / 1000)), ("count", .integer(count)),
            ("severity_id", .integer(status.0 == 2 ? 2 : 1)), ("severity", .text(status.0 == 2 ? "Low" : "Informational")),
            ("status_id", .integer(status.0)), ("status", .text(status.1)), ("status_detail", .text(outcome?.rawValue)),
            ("message", .text(action)), ("metadata", metadata),
            // The schema demands a user; its words for one that is not known.
            (
                "user",
                isOfIdentity
                    ? .object(
                        ("name", .text(user ?? "Unknown")), ("type_id", user == nil ? .integer(0) : nil),
                        ("type", user == nil ? .text("Unknown") : nil)) : nil
            ),
            ("service", activity.classID == 3002 ? .object(("name", .text(process ?? "sshd"))) : nil),
            (
                "src_endpoint",
                isOfIdentity && source != nil
                    ? .object(("ip", .text(address.ip)), ("hostname", .text(address.name)), ("port", .integer(port))) : nil
            ),
            ("dst_endpoint", activity.classID == 3002 && host != nil ? .object(("hostname", .text(host))) : nil),
            ("is_remote", activity.classID == 3002 && source != nil ? .bool(true) : nil), ("unmapped", unmapped(isOfIdentity)))
    }

    /// What happened without being an attempt, and needs no outcome to have succeeded.
    private var isDone: Bool {
        [
            .sessionOpened, .sessionClosed, .sudo, .su, .keysChanged, .accountCreated, .accountChanged, .passwordChanged,
            .consoleLogin,
        ].contains(event)
    }

    private var metadata: JSON {
        .object(
            ("version", .text(Self.version)), ("product", .object(("name", .text("obs")), ("vendor_name", .text("obs")))),
            ("event_code", .text(action)), ("log_name", .text(file)))
    }

    /// What the class has no attribute for.
    private func unmapped(_ isOfIdentity: Bool) -> JSON? {
        JSON.object(
            ("stage", .text(stage)), ("method", .text(method)), ("pid", .integer(pid)), ("offset", .integer(offset)),
            ("user", isOfIdentity ? nil : .text(user)), ("source", isOfIdentity ? nil : .text(source)),
            ("port", isOfIdentity ? nil : .integer(port)), ("host", host.flatMap { .text($0) }),
            ("process", .text(process))
        ).unlessEmpty
    }
}
