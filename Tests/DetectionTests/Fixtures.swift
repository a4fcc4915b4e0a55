import Foundation

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
