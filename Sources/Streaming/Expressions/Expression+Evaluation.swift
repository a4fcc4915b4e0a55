import Columns

extension Expression {
    /// The type of the column that it gives for batches of `schema`.
    ///
    /// - Throws: ``DefinitionError`` when a column is not there, or an operator or function cannot use what it gets.
    func type(in schema: Schema) throws(DefinitionError) -> ColumnType {
        guard let kind = try kind(of: root, schema) else { throw .bad("'\(self)' is always null") }
        switch kind {
        case .integer: return .int64
        case .double: return .double
        case .text: return .text
        case .bool: return .bool
        case .time: return .timestamp
        }
    }

    /// The column of it, with a row for each of `batch`.
    ///
    /// - Precondition: ``type(in:)`` has taken the batch's schema.
    func column(of batch: Batch) -> Column {
        guard let kind = try? kind(of: root, batch.schema) else {
            preconditionFailure("'\(self)' was checked against the schema")
        }
        let values = evaluate(root, batch)
        switch kind {
        case .integer, .time:
            var builder = NumberBuilder<Int64>()
            for value in values {
                if case .integer(let number) = value { builder.append(number) } else { builder.appendNull() }
            }
            return builder.finish()
        case .double:
            var builder = NumberBuilder<Double>()
            for value in values { if let number = value.number { builder.append(number) } else { builder.appendNull() } }
            return builder.finish()
        case .bool:
            var builder = NumberBuilder<Bool>()
            for value in values { if case .bool(let flag) = value { builder.append(flag) } else { builder.appendNull() } }
            return builder.finish()
        case .text:
            var builder = DictionaryBuilder()
            for value in values { if case .text(let text) = value { builder.append(utf8: text) } else { builder.appendNull() } }
            return builder.finish()
        }
    }

    // MARK: Types

    private enum Kind {
        case integer, double, text, bool, time
        var isNumber: Bool { self == .integer || self == .double }
    }

    private static func kind(of type: ColumnType) -> Kind? {
        switch type {
        case .int32, .int64: .integer
        case .float, .double: .double
        case .text: .text
        case .bool: .bool
        case .timestamp: .time
        case .date, .binary: nil
        }
    }

    /// Nil for what is always null.
    private func kind(of node: Node, _ schema: Schema) throws(DefinitionError) -> Kind? {
        switch node {
        case .integer: return .integer
        case .double: return .double
        case .text: return .text
        case .bool: return .bool
        case .null: return nil
        case .column(let name):
            guard let type = schema[name]?.type else {
                throw .noColumn(name, asked: "'\(self)'", known: schema.fields.map(\.name))
            }
            guard let kind = Self.kind(of: type) else {
                throw .wrongType(column: name, type: type, asked: "'\(self)'", wanted: "a number, text, bool or timestamp")
            }
            return kind
        case .unary(.not, let operand):
            try demand(kind(of: operand, schema), { $0 == .bool }, "'not' needs a bool")
            return .bool
        case .unary(_, let operand):
            let kind = try kind(of: operand, schema)
            try demand(kind, \.isNumber, "'-' needs a number")
            return kind
        case .binary(let found, let left, let right):
            return try kind(found, try kind(of: left, schema), try kind(of: right, schema), right)
        case .call(let function, let arguments):
            var kinds: [Kind?] = []
            for argument in arguments { kinds.append(try kind(of: argument, schema)) }
            return try kind(function, kinds, arguments)
        }
    }

    private func demand(_ kind: Kind?, _ holds: (Kind) -> Bool, _ sentence: String) throws(DefinitionError) {
        if let kind, !holds(kind) { throw .bad("'\(self)': \(sentence)") }
    }

    private func kind(_ found: Operator, _ left: Kind?, _ right: Kind?, _ rightNode: Node) throws(DefinitionError) -> Kind? {
        switch found {
        case .or, .and, .not:
            try demand(left, { $0 == .bool }, "'\(found.rawValue)' needs bools")
            try demand(right, { $0 == .bool }, "'\(found.rawValue)' needs bools")
            return .bool
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            if left == .time, case .text(let text) = rightNode {
                guard Timestamp(iso8601: text) != nil else {
                    throw .bad("'\(self)': '\(text)' is not a time; write it as 2026-11-21T10:00:00Z")
                }
                return .bool
            }
            if let left, let right, left != right, !(left.isNumber && right.isNumber) {
                throw .bad("'\(self)': '\(found.rawValue)' compares values of two kinds")
            }
            return .bool
        case .plus, .minus, .times, .divided, .remainder:
            // A time less a time is seconds, a time plus or less seconds is a time.
            if left == .time, right == .time, found == .minus { return .double }
            if left == .time, right?.isNumber ?? true, found == .plus || found == .minus { return .time }
            try demand(left, \.isNumber, "'\(found.rawValue)' needs numbers")
            try demand(right, \.isNumber, "'\(found.rawValue)' needs numbers")
            if found == .divided { return .double }
            return left == .integer && right == .integer ? .integer : left == nil && right == nil ? nil : .double
        }
    }

    private func kind(_ function: Function, _ kinds: [Kind?], _ arguments: [Node]) throws(DefinitionError) -> Kind? {
        let name = function.rawValue
        func same(_ kinds: some Sequence<Kind?>) throws(DefinitionError) -> Kind? {
            let known = Set(kinds.compactMap { $0 })
            if known == [.integer, .double] { return .double }
            guard known.count <= 1 else { throw .bad("'\(self)': what '\(name)' chooses from is of two kinds") }
            return known.first
        }
        switch function {
        case .abs:
            try demand(kinds[0], \.isNumber, "'\(name)' needs a number")
            return kinds[0]
        case .floor, .ceil, .round:
            try demand(kinds[0], \.isNumber, "'\(name)' needs a number")
            return .integer
        case .min, .max:
            for kind in kinds { try demand(kind, { $0.isNumber || $0 == .time }, "'\(name)' needs numbers or times") }
            return try same(kinds)
        case .coalesce: return try same(kinds)
        case .isNull: return .bool
        case .if:
            try demand(kinds[0], { $0 == .bool }, "'if' needs a condition first")
            return try same(kinds[1...])
        case .lower, .upper:
            try demand(kinds[0], { $0 == .text }, "'\(name)' needs text")
            return .text
        case .length:
            try demand(kinds[0], { $0 == .text }, "'\(name)' needs text")
            return .integer
        case .concat, .text: return .text
        case .contains, .startsWith, .endsWith:
            for kind in kinds { try demand(kind, { $0 == .text }, "'\(name)' needs two texts") }
            return .bool
        case .day, .hour, .weekday, .seconds:
            try demand(kinds[0], { $0 == .time }, "'\(name)' needs a time")
            return function == .day ? .text : function == .seconds ? .double : .integer
        case .startOf:
            try demand(kinds[0], { $0 == .time }, "'\(name)' needs a time")
            guard case .text(let text) = arguments[1], let duration = Duration(parsing: text), duration > .zero else {
                throw .bad("'\(self)': 'start_of' needs a duration such as '15m' second")
            }
            return .time
        case .number: return .double
        }
    }

    // MARK: Values

    private enum Cell: Hashable {
        case null
        /// Also a time, in microseconds.
        case integer(Int64)
        case double(Double)
        case text(String)
        case bool(Bool)

        var number: Double? {
            switch self {
            case .integer(let value): Double(value)
            case .double(let value): value
            default: nil
            }
        }
    }

    private func evaluate(_ node: Node, _ batch: Batch) -> [Cell] {
        switch node {
        case .integer(let value): return Array(repeating: .integer(value), count: batch.count)
        case .double(let value): return Array(repeating: .double(value), count: batch.count)
        case .text(let value): return Array(repeating: .text(value), count: batch.count)
        case .bool(let value): return Array(repeating: .bool(value), count: batch.count)
        case .null: return Array(repeating: .null, count: batch.count)
        case .column(let name): return Self.cells(batch[name]!)
        case .unary(.not, let operand):
            return evaluate(operand, batch).map { if case .bool(let flag) = $0 { .bool(!flag) } else { .null } }
        case .unary(_, let operand):
            return evaluate(operand, batch).map { cell in
                switch cell {
                case .integer(let value): value == .min ? .null : .integer(-value)
                case .double(let value): .double(-value)
                default: .null
                }
            }
        case .binary(let found, let left, let right):
            let lefts = evaluate(left, batch)
            let isTime = (try? kind(of: left, batch.schema)) == .time
            if isTime, case .text(let text) = right {
                let time = Cell.integer(Timestamp(iso8601: text)?.microseconds ?? 0)
                return lefts.map { Self.apply(found, $0, time, .time, .time) }
            }
            let rights = evaluate(right, batch)
            let rightKind = try? kind(of: right, batch.schema), leftKind = isTime ? Kind.time : nil
            return zip(lefts, rights).map { Self.apply(found, $0, $1, leftKind, rightKind) }
        case .call(let function, let arguments):
            let columns = arguments.map { evaluate($0, batch) }
            let step = function == .startOf ? Self.duration(arguments[1]) : 0
            let isTime = arguments.first.map { (try? kind(of: $0, batch.schema)) == .time } ?? false
            return (0..<batch.count).map { row in Self.call(function, columns.map { $0[row] }, step: step, isTime: isTime) }
        }
    }

    private static func cells(_ column: Column) -> [Cell] {
        switch column.values {
        case .dictionary(let values):
            // A text that repeats is made once.
            let texts = (0..<values.dictionary.count).map { Cell.text(values.dictionary.string(at: $0)) }
            return (0..<column.count).map {
                column.isNull(at: $0) ? .null : texts[Int(values.codes[column.range.lowerBound + $0])]
            }
        case .text: return (0..<column.count).map { column.string(at: $0).map(Cell.text) ?? .null }
        case .int32, .int64: return (0..<column.count).map { column.integer(at: $0).map(Cell.integer) ?? .null }
        case .float, .double: return (0..<column.count).map { column.number(at: $0).map(Cell.double) ?? .null }
        case .bool: return (0..<column.count).map { column.number(at: $0).map { .bool($0 != 0) } ?? .null }
        }
    }

    private static func apply(_ found: Operator, _ left: Cell, _ right: Cell, _ leftKind: Kind?, _ rightKind: Kind?) -> Cell {
        switch found {
        case .or:
            if left == .bool(true) || right == .bool(true) { return .bool(true) }
            return left == .null || right == .null ? .null : .bool(false)
        case .and, .not:
            if left == .bool(false) || right == .bool(false) { return .bool(false) }
            return left == .null || right == .null ? .null : .bool(true)
        default: break
        }
        if left == .null || right == .null { return .null }
        switch found {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: return compare(found, left, right)
        default: break
        }
        if leftKind == .time, case .integer(let time) = left {
            if rightKind == .time, case .integer(let other) = right { return .double(Double(time &- other) / 1e6) }
            guard let seconds = right.number, seconds.magnitude < 9e12 else { return .null }
            let micros = Int64((seconds * 1e6).rounded())
            return .integer(found == .plus ? time &+ micros : time &- micros)
        }
        if found != .divided, case .integer(let a) = left, case .integer(let b) = right {
            let result: (partialValue: Int64, overflow: Bool)
            switch found {
            case .plus: result = a.addingReportingOverflow(b)
            case .minus: result = a.subtractingReportingOverflow(b)
            case .times: result = a.multipliedReportingOverflow(by: b)
            default: result = a.remainderReportingOverflow(dividingBy: b)
            }
            return result.overflow ? .null : .integer(result.partialValue)
        }
        guard let a = left.number, let b = right.number else { return .null }
        switch found {
        case .plus: return .double(a + b)
        case .minus: return .double(a - b)
        case .times: return .double(a * b)
        case .remainder: return b == 0 ? .null : .double(a.truncatingRemainder(dividingBy: b))
        default: return b == 0 ? .null : .double(a / b)
        }
    }

    private static func compare(_ found: Operator, _ left: Cell, _ right: Cell) -> Cell {
        let isLess: Bool, isEqual: Bool
        switch (left, right) {
        case (.integer(let a), .integer(let b)): (isLess, isEqual) = (a < b, a == b)
        case (.text(let a), .text(let b)): (isLess, isEqual) = (a.precedesByBytes(b), a.hasSameBytes(as: b))
        case (.bool(let a), .bool(let b)): (isLess, isEqual) = (!a && b, a == b)
        default:
            guard let a = left.number, let b = right.number, !a.isNaN, !b.isNaN else { return .null }
            (isLess, isEqual) = (a < b, a == b)
        }
        switch found {
        case .equal: return .bool(isEqual)
        case .notEqual: return .bool(!isEqual)
        case .less: return .bool(isLess)
        case .lessOrEqual: return .bool(isLess || isEqual)
        case .greater: return .bool(!isLess && !isEqual)
        default: return .bool(!isLess)
        }
    }

    private static func duration(_ node: Node) -> Int64 {
        guard case .text(let text) = node else { return 1 }
        return max(1, Duration(parsing: text)?.inMicroseconds ?? 1)
    }

    private static func call(_ function: Function, _ arguments: [Cell], step: Int64, isTime: Bool) -> Cell {
        switch function {
        case .coalesce: return arguments.first { $0 != .null } ?? .null
        case .isNull: return .bool(arguments[0] == .null)
        case .if: return arguments[0] == .bool(true) ? arguments[1] : arguments[2]
        case .concat where !arguments.contains(.null): return .text(arguments.map { shown($0, isTime: false) }.joined())
        default: break
        }
        if arguments.contains(.null) { return .null }
        switch (function, arguments[0]) {
        case (.abs, .integer(let value)):
            return value == .min ? .null : .integer(value.magnitude <= Int64.max ? Swift.abs(value) : 0)
        case (.abs, .double(let value)): return .double(value.magnitude)
        case (.floor, _), (.ceil, _), (.round, _):
            guard let value = arguments[0].number else { return .null }
            let rounded = function == .floor ? value.rounded(.down) : function == .ceil ? value.rounded(.up) : value.rounded()
            return Int64(exactly: rounded).map(Cell.integer) ?? .null
        case (.min, _): return arguments.dropFirst().reduce(arguments[0]) { compare(.less, $1, $0) == .bool(true) ? $1 : $0 }
        case (.max, _): return arguments.dropFirst().reduce(arguments[0]) { compare(.greater, $1, $0) == .bool(true) ? $1 : $0 }
        case (.lower, .text(let text)): return .text(text.lowercased())
        case (.upper, .text(let text)): return .text(text.uppercased())
        case (.length, .text(let text)): return .integer(Int64(text.unicodeScalars.count))
        case (.day, .integer(let time)): return .text(String(Timestamp(microseconds: time).description.prefix(10)))
        case (.hour, .integer(let time)): return .integer(Int64(Timestamp(microseconds: time).components.hour))
        case (.weekday, .integer(let time)):
            let day = time.flooredMultiple(of: 86_400_000_000) / 86_400_000_000
            return .integer(((day + 3) % 7 + 7) % 7 + 1)  // 1970-01-01 was a Thursday
        case (.seconds, .integer(let time)): return .double(Double(time) / 1e6)
        case (.startOf, .integer(let time)): return .integer(time.flooredMultiple(of: step))
        case (.number, .text(let text)): return Double(text).flatMap { $0.isFinite ? .double($0) : nil } ?? .null
        case (.number, .bool(let flag)): return .double(flag ? 1 : 0)
        case (.number, _): return arguments[0].number.map(Cell.double) ?? .null
        case (.text, _): return .text(shown(arguments[0], isTime: isTime))
        case (_, .text(let text)):
            guard arguments.count == 2, case .text(let part) = arguments[1] else { return .null }
            switch function {
            case .contains: return .bool(OutsideText(text).contains(part))
            case .startsWith: return .bool(OutsideText(text).starts(with: part))
            case .endsWith: return .bool(OutsideText(text).ends(with: part))
            default: return .null
            }
        default: return .null
        }
    }

    private static func shown(_ cell: Cell, isTime: Bool) -> String {
        switch cell {
        case .null: ""
        case .integer(let value): isTime ? Timestamp(microseconds: value).description : String(value)
        case .double(let value): Value.double(value).description
        case .text(let text): text
        case .bool(let flag): String(flag)
        }
    }
}
