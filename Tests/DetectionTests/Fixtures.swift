import Foundation

/// The folder of cases from outside, or nil where there is none: then the suites on them are skipped.
let outsideCases: URL? = {
    let root =
        ProcessInfo.processInfo.environment["OBS_CASES"].map { URL(filePath: $0) }
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/data")
    return FileManager.default.fileExists(atPath: root.path) ? root : nil
}()

/// A table of numbers as it stands in a CSV file with a header line: the columns in the order of the file.
func numbers(inCSV text: String) -> (names: [String], columns: [[Double]]) {
    let lines = text.split(whereSeparator: \.isNewline)
    let names = lines[0].split(separator: ",").map(String.init)
    var columns = [[Double]](repeating: [], count: names.count)
    for line in lines.dropFirst() {
        for (column, cell) in line.split(separator: ",").enumerated() { columns[column].append(Double(cell) ?? .nan) }
    }
    return (names, columns)
}
