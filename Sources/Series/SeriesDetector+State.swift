import Columns

/// The state as bytes, for a checkpoint: what was not seen yet takes no room, so that a young series is small.
extension SeriesDetector {
    private static let layout: UInt8 = 1

    /// Writes all that the detector must remember.
    public func encode(to writer: inout StateWriter) {
        writer.write(byte: Self.layout)
        writer.write(compact: Int64(count))
        for level in levels + [unrest] + season.day + season.week + band.errors { level.encode(to: &writer) }
        for record in records + [strengths] { record.encode(to: &writer) }
        for value in distances { writer.write(value) }
        for value in [band.lowFactor, band.highFactor, lastValue, equalValues, lastTime] { writer.write(value) }
        writer.write(isBehind)
        recent.encode(to: &writer)
        courses.encode(to: &writer)
        writer.write(compact: Int64(lastDetection))
        writer.write(byte: detection.map { UInt8($0.aspect.rawValue) } ?? .max)
        guard let detection else { return }
        writer.write(detection.deviations)
        writer.write(detection.since.map { .timestamp($0) } ?? Value.null)
    }

    /// The detector that ``encode(to:)`` was called on.
    ///
    /// - Throws: ``StateReader/Damaged`` for bytes that no detector wrote. No bytes make a later call trap.
    public init(from reader: inout StateReader) throws(StateReader.Damaged) {
        self.init()
        guard try reader.byte() == Self.layout else { throw StateReader.Damaged() }
        count = try reader.ordinal()
        for i in levels.indices { levels[i] = try RobustLevel(from: &reader) }
        unrest = try RobustLevel(from: &reader)
        for i in season.day.indices { season.day[i] = try RobustLevel(from: &reader) }
        for i in season.week.indices { season.week[i] = try RobustLevel(from: &reader) }
        for i in band.errors.indices { band.errors[i] = try RobustLevel(from: &reader) }
        for i in records.indices { records[i] = try SurpriseRecord(from: &reader) }
        strengths = try SurpriseRecord(from: &reader)
        for i in distances.indices { distances[i] = try reader.finite() }
        (band.lowFactor, band.highFactor) = (try reader.finite(), try reader.finite())
        (lastValue, equalValues, lastTime) = (try reader.double(), try reader.finite(), try reader.double())
        isBehind = try reader.bool()
        recent = try RecentValues(from: &reader)
        courses = try KnownCourses(from: &reader)
        lastDetection = try reader.ordinal()
        detection = try Self.detection(&reader)
    }

    private static func detection(_ reader: inout StateReader) throws(StateReader.Damaged) -> SeriesReading.Detection? {
        let number = try reader.byte()
        guard number != .max else { return nil }
        guard let aspect = Aspect(rawValue: Int(number)) else { throw StateReader.Damaged() }
        let deviations = try reader.finite()
        switch try reader.value() {
        case .null: return SeriesReading.Detection(aspect: aspect, deviations: deviations)
        case .timestamp(let since): return SeriesReading.Detection(aspect: aspect, deviations: deviations, since: since)
        default: throw StateReader.Damaged()
        }
    }
}

extension RobustLevel {
    fileprivate func encode(to writer: inout StateWriter) {
        writer.write(compact: Int64(count))
        guard count > 0 else { return }
        writer.write(mean)
        writer.write(deviation)
    }

    fileprivate init(from reader: inout StateReader) throws(StateReader.Damaged) {
        count = Double(try reader.ordinal())
        guard count > 0 else { return }
        (mean, deviation) = (try reader.finite(), try reader.finite())
    }
}

extension SurpriseRecord {
    fileprivate func encode(to writer: inout StateWriter) {
        writer.write(byte: UInt8(entries.count))
        var last = 0
        for entry in entries {
            writer.write(compact: Int64(entry.number - last))
            writer.write(entry.surprise)
            last = entry.number
        }
    }

    fileprivate init(from reader: inout StateReader) throws(StateReader.Damaged) {
        var entries: [Entry] = [], number = 0
        for _ in 0..<(try reader.byte()) {
            number += try reader.ordinal()
            entries.append(Entry(number: number, surprise: try reader.float()))
        }
        guard let record = SurpriseRecord(entries: entries) else { throw StateReader.Damaged() }
        self = record
    }
}

extension RecentValues {
    fileprivate func encode(to writer: inout StateWriter) {
        writer.write(byte: UInt8(count))
        writer.write(byte: UInt8(next))
        for value in [origin, sum, squares] + values.prefix(count) { writer.write(value) }
    }

    fileprivate init(from reader: inout StateReader) throws(StateReader.Damaged) {
        (count, next) = (Int(try reader.byte()), Int(try reader.byte()))
        let isFilling = count < Self.length && next == count, isFull = count == Self.length && next < Self.length
        guard isFilling || isFull else { throw StateReader.Damaged() }
        (origin, sum, squares) = (try reader.finite(), try reader.finite(), try reader.finite())
        for i in 0..<count { values[i] = try reader.finite() }
    }
}

extension KnownCourses {
    fileprivate func encode(to writer: inout StateWriter) {
        writer.write(compact: Int64(blocks))
        writer.write(byte: UInt8(library.count))
        writer.write(sum)
        for course in [course] + library {
            for i in 0..<8 { writer.write(course[i]) }
        }
    }

    fileprivate init(from reader: inout StateReader) throws(StateReader.Damaged) {
        blocks = try reader.ordinal()
        let count = Int(try reader.byte())
        guard count <= Self.capacity, blocks / 4 >= count else { throw StateReader.Damaged() }
        sum = try reader.finite()
        course = try Self.course(&reader)
        for _ in 0..<count { library.append(try Self.course(&reader)) }
    }

    private static func course(_ reader: inout StateReader) throws(StateReader.Damaged) -> SIMD8<Float> {
        var course = SIMD8<Float>(repeating: 0)
        for i in 0..<8 { course[i] = try reader.float() }
        return course
    }
}

extension StateWriter {
    /// Its four bytes.
    fileprivate mutating func write(_ value: Float) {
        for shift in [0, 8, 16, 24] { write(byte: UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift))) }
    }
}

extension StateReader {
    /// A count or a number in a series: far from where adding to it would overflow.
    fileprivate mutating func ordinal() throws(Damaged) -> Int {
        let number = try compactInt64()
        guard (0...1 << 48).contains(number) else { throw Damaged() }
        return Int(number)
    }

    fileprivate mutating func finite() throws(Damaged) -> Double {
        let value = try double()
        guard value.isFinite else { throw Damaged() }
        return value
    }

    fileprivate mutating func float() throws(Damaged) -> Float {
        var bits: UInt32 = 0
        for shift in [0, 8, 16, 24] { bits |= UInt32(try byte()) << UInt32(shift) }
        let value = Float(bitPattern: bits)
        guard value.isFinite else { throw Damaged() }
        return value
    }
}
