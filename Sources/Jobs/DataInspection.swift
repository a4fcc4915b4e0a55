import Detection
import Alerting
import Incidents
import Foundation
import Ingest
import Store
import Streaming

/// Looks at all files of a data directory that could be damaged, but for those of tables (`obs lake verify`). Changes nothing.
public struct DataInspection {
    private let workspace: Workspace

    /// The inspection of a data directory; looks at nothing yet.
    public init(_ workspace: Workspace) {
        self.workspace = workspace
    }

    /// What is wrong, a sentence each, with the file and what to do; empty when all is well.
    public func problems() -> [String] {
        storeProblems() + servingProblems() + Spool.problems(in: workspace.path + "/spool")
            + CheckpointFolder.problems(in: workspace.checkpoints)
            + ((try? workspace.models.problems()) ?? [])
            + [AcknowledgeLinks.problem(besides: workspace.store.path)].compactMap(\.self)
    }

    private func storeProblems() -> [String] {
        let path = workspace.store.path
        var problems = workspace.store.changedPages().map {
            "\(path): \($0): a failing disk, or another program, has changed it; restore a backup with 'obs restore FILE'"
        }
        for look in [workspace.store.problems, workspace.incidents.problems] {
            do {
                problems += try look().map { "\(path): \($0); restore a backup with 'obs restore FILE'" }
            } catch {
                problems.append("\(path): cannot be checked: \(error); restore a backup with 'obs restore FILE'")
            }
        }
        do {
            problems += try [workspace.store.auditProblem()].compactMap(\.self).map { "\(path): \($0)" }
            problems += try workspace.incidents.unreadableRows().map { "\(path): \($0)" }
        } catch {
            problems.append("\(path): its rows cannot be read: \(error); restore a backup with 'obs restore FILE'")
        }
        return problems
    }

    private func servingProblems() -> [String] {
        let path = workspace.servingPath
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        do {
            return try [ServingStore(reading: path).problem()].compactMap(\.self)
        } catch {
            return ["\(error)"]
        }
    }
}
