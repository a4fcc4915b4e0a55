import Foundation

/// The folder with everything that obs keeps: who may look into it, whose it is, and what is said of damage in it.
public enum DataDirectory {
    /// Whether a file is in it.
    ///
    /// - Throws: a sentence when it cannot be said because this user may not look.
    public static func has(_ file: String, in directory: String) throws -> Bool {
        var information = stat()
        if stat("\(directory)/\(file)", &information) == 0 { return true }
        guard errno == EACCES else { return false }
        throw Closed(directory: directory)
    }

    struct Closed: Error, CustomStringConvertible {
        let directory: String

        var description: String {
            let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(geteuid())"
            var information = stat()
            let group =
                stat(directory, &information) == 0
                ? getgrgid(information.st_gid).map { String(cString: $0.pointee.gr_name) } : nil
            return
                "\(directory): user '\(user)' has no permission to look into it; ask as the user who owns "
                + "it\(group.map { ", or join the group '\($0)'" } ?? "")"
        }
    }

    /// Takes files away from those who are neither their owner nor of their group, because a database that was copied into place
    /// may be open to all. What obs makes itself never is: the mask of the process prevents it.
    static func close(_ files: [String]) {
        for file in files {
            var information = stat()
            guard stat(file, &information) == 0, information.st_uid == geteuid(), information.st_mode & 0o007 != 0 else {
                continue
            }
            chmod(file, information.st_mode & 0o770)
        }
    }
}
