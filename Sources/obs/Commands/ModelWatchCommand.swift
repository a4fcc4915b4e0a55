import ArgumentParser
import Jobs

extension ModelCommand {
    struct Watch: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "watch",
            abstract: "Score a series of numbers as it comes: timestamp,value lines in, a score from 0 to 1 a line out.",
            discussion: """
                A score looks only at what came before it: 0.37 is as unusual as the most unusual value of a long while, 0.8 \
                twice as far. A first line of headings is skipped. Times decide what is usual at an hour of the day and of the \
                week; lines without one are judged without that.

                Examples:
                  obs model watch < requests.csv
                  tail -n +1 -f temperature.csv | obs model watch --explain
                """)
        @Flag(help: "Print what was expected, and why a value is unusual, too: score,expected,low,high,deviations,since,reason.")
        var explain = false
        func run() throws {
            var watch = SeriesWatch(explains: explain)
            if explain { Terminal.write(SeriesWatch.heading + "\n") }
            while let line = readLine() {
                if let output = watch.output(for: line) { Terminal.write(output + "\n") }
            }
        }
    }
}
