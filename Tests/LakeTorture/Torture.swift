import Columns
import Foundation
import Lake

/// A process for tests to run beside others and to kill: `lake-torture append|upkeep LAKE NAME COUNT`.
///
/// `append` commits COUNT rows `NAME-0`, `NAME-1`, … each as an epoch of its own, from where the table says that NAME is; `upkeep` merges, deletes and
/// shortens the log COUNT times.
@main
struct Torture {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let count = Int64(arguments[4]) else {
            try FileHandle.standardError.write(contentsOf: Data("usage: lake-torture append|upkeep LAKE NAME COUNT\n".utf8))
            exit(2)
        }
        let name = arguments[3]
        let schema = Schema([Field("writer", .text), Field("n", .int64)])
        let table = try Lake(root: arguments[2]).table("silver.t", creating: schema)
        if arguments[1] == "append" {
            for index in ((table.lastTransaction(of: name) ?? -1) + 1)..<max(count, (table.lastTransaction(of: name) ?? -1) + 1) {
                let writer = table.writer()
                try writer.append(try Batch(schema: schema, rows: [[.text(name), .int(index)]]))
                try table.commit(adding: writer.finish(), transaction: (name, index))
            }
        } else {
            for _ in 0..<count {
                try table.refresh()
                _ = try table.optimize()
                _ = try table.vacuum(keeping: .seconds(3600), .removedFiles)
                try table.checkpoint()
                try table.trimLog(toVersions: 5)
            }
        }
    }
}
