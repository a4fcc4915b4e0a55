internal import CLinux
import Configuration
import Foundation

/// Sees to it that what root's commands write into a data directory belongs to the user whose it is: the service goes on with
/// these files.
///
/// Root becomes that user before anything is opened, by executing the program anew, so no file has to be thought of: tables,
/// checkpoints, models, and what SQLite makes beside its database. It keeps the right to read every file, because the logs that
/// it was started for may be readable by root alone.
extension DataDirectory {
    /// Goes on as the user whose the directory is. Does nothing unless this is root and the directory is another user's.
    ///
    /// - Throws: ``UsageError`` with the line to type where root may not become that user.
    public static func becomeOwner(of path: String) throws {
        guard geteuid() == 0, let owner = owner(of: path), owner.st_uid != 0 else { return }
        let entry = getpwuid(owner.st_uid)
        let name = entry.map { String(cString: $0.pointee.pw_name) }
        // Its groups are its own; files get the group of the directory. A user without a name has no others.
        let hasGroups = name.map { initgroups($0, owner.st_gid) == 0 } ?? (setgroups(0, nil) == 0)
        let failure = hasGroups ? obs_becomeUser(owner.st_uid, owner.st_gid) : errno
        var reason = failure
        if failure == 0 {
            // By its own path, so that it keeps its name in lists of processes; the link reaches it also where its folder is
            // closed to the user.
            if let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
                execv(program, CommandLine.unsafeArgv)
            }
            execv("/proc/self/exe", CommandLine.unsafeArgv)
            reason = errno
        }
        let user = name ?? "#\(owner.st_uid)"
        throw UsageError(
            "\(path): belongs to '\(user)', who could not use what root writes there, and root cannot become '\(user)': "
                + "\(String(cString: strerror(reason))); type: sudo -u \(name ?? "'#\(owner.st_uid)'") \(commandLine)"
        )
    }

    /// Of the database, which only a service has made; of the directory before there is one, as a volume's may be root's.
    private static func owner(of path: String) -> stat? {
        var information = stat()
        return stat(path + "/obs.db", &information) == 0 || stat(path, &information) == 0 ? information : nil
    }

    /// What a shell takes as it is.
    private static let plain = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=:,@%+")

    private static var commandLine: String {
        CommandLine.arguments.map { word in
            let isPlain = !word.isEmpty && word.unicodeScalars.allSatisfy(plain.contains)
            return isPlain ? word : "'\(word.components(separatedBy: "'").joined(separator: "'\\''"))'"
        }.joined(separator: " ")
    }
}
