import Foundation

/// What another program printed, both streams together, and how it ended.
public struct ProgramOutput: Sendable {
    public let text: String
    public let status: Int32
}

public struct ProgramFailed: Error {
    public let output: String
}

/// Runs another program to its end.
///
/// - Parameters:
///   - program: a path, or a name that is looked for in `PATH`.
///   - input: what it reads; nil for nothing.
public func output(
    of program: String, _ arguments: [String] = [], input: String? = nil, in folder: String? = nil,
    environment: [String: String] = [:]
) throws -> ProgramOutput {
    let inputFolder = TemporaryFolder()
    var inputFile: FileHandle?
    if let input {
        // A file: a pipe that is filled before it is read would wait for its reader.
        let file = URL(filePath: inputFolder.path + "/input")
        try Data(input.utf8).write(to: file)
        inputFile = try FileHandle(forReadingFrom: file)
    }
    let output = Pipe()
    let process = try StartedProgram(
        program, arguments, in: folder, environment: environment, input: inputFile, output: output.fileHandleForWriting,
        errors: output.fileHandleForWriting)
    // Its end is seen when nobody is left who could write.
    try output.fileHandleForWriting.close()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    return ProgramOutput(text: text, status: process.wait())
}

/// The same for a program that has to succeed: what it printed.
///
/// - Throws: ``ProgramFailed`` when it does not.
@discardableResult
public func run(
    _ program: String, _ arguments: [String] = [], input: String? = nil, in folder: String? = nil,
    environment: [String: String] = [:]
) throws -> String {
    let result = try output(of: program, arguments, input: input, in: folder, environment: environment)
    guard result.status == 0 else { throw ProgramFailed(output: result.text) }
    return result.text
}
