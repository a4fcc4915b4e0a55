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

    /// Sets the mask of the process for what is made from now on: files 0600 and folders 0700, whatever the mask was; where the
    /// owner of the data directory has opened it to its group (`chmod 0750`), the group may read what is made in it.
    public static func setMask(for directory: String? = nil) {
        umask(directory.map(isOpenToGroup) == true ? 0o027 : 0o077)
    }

    private static func isOpenToGroup(_ directory: String) -> Bool {
        var information = stat()
        return stat(directory, &information) == 0 && information.st_mode & 0o050 == 0o050
    }

    /// Takes files away from all who may not read what obs makes beside them, because a database that was copied into place may
    /// be open to all. What obs makes itself never is: the mask of the process prevents it.
    static func close(_ files: [String], in directory: String) {
        let allowed: mode_t = isOpenToGroup(directory) ? 0o770 : 0o700
        for file in files {
            var information = stat()
            guard stat(file, &information) == 0, information.st_uid == geteuid(), information.st_mode & 0o777 & ~allowed != 0
            else {
                continue
            }
            chmod(file, information.st_mode & allowed)
        }
    }
}
