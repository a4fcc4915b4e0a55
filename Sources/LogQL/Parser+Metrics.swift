import Columns

/// What gives numbers.
extension Parser {
    /// The longest range or offset: ten years, in microseconds.
    private static let maxRange: Int64 = 3650 * 86_400_000_000

    /// - Parameter precedence: operators that bind less closely end it.
    mutating func expression(_ precedence: Int = 1) throws -> MetricExpression {
        var left = try operand()
        while let kind = operatorAhead(), kind.precedence >= precedence {
            try tokens.advance()
            let isBool = tokens.current == .word("bool")
            if isBool {
                guard kind.isComparison else { throw LogQLError.malformed("'bool' follows a comparison only", at: tokens.start) }
                try tokens.advance()
            }
            let matching = try labelMatching()
            // A power is read from the right.
            let right = try nested { try $0.expression(kind == .power ? kind.precedence : kind.precedence + 1) }
            left = .binary(BinaryOperation(operator: kind, isBool: isBool, matching: matching, left: left, right: right))
        }
        return left
    }

    private func operatorAhead() -> BinaryOperation.Operator? {
        switch tokens.current {
        case .sign(let sign): BinaryOperation.Operator(rawValue: sign)
        case .word(let word): BinaryOperation.Operator(rawValue: word)
        default: nil
        }
    }

    private mutating func labelMatching() throws -> Grouping? {
        guard case .word(let word) = tokens.current, word == "on" || word == "ignoring" else { return nil }
        try tokens.advance()
        let grouping = Grouping(names: try names(), isWithout: word == "ignoring")
        if case .word(let word) = tokens.current, word == "group_left" || word == "group_right" {
            throw LogQLError.notSupported("'\(word)'")
        }
        return grouping
    }

    private mutating func operand() throws -> MetricExpression {
        if try take("(") {
            let inner = try nested { try $0.expression() }
            try expect(")")
            return inner
        }
        if try take("-") {
            let inner = try nested { try $0.expression(BinaryOperation.Operator.power.precedence) }
            if case .number(let number) = inner { return .number(-number) }
            return .binary(BinaryOperation(operator: .times, isBool: false, left: .number(-1), right: inner))
        }
        if try take("+") { return try nested { try $0.operand() } }
        if case .quantity(let text) = tokens.current {
            guard let number = Double(text) else { throw unexpected("a number") }
            try tokens.advance()
            return .number(number)
        }
        let start = tokens.start
        let name = try word("a function such as count_over_time, or a selector")
        if let function = RangeAggregation.Function(rawValue: name) { return .range(try rangeAggregation(function)) }
        if let function = VectorAggregation.Function(rawValue: name) { return .aggregate(try vectorAggregation(function)) }
        switch name {
        case "vector":
            try expect("(")
            guard case .quantity(let text) = tokens.current, let number = Double(text) else { throw unexpected("a number") }
            try tokens.advance()
            try expect(")")
            return .vector(number)
        case "label_replace", "sort", "sort_desc", "approx_topk", "rate_counter", "variants":
            throw LogQLError.notSupported("the function '\(name)'")
        default:
            throw LogQLError.malformed("there is no function '\(name)'", at: start)
        }
    }

    // MARK: Ranges

    private mutating func rangeAggregation(_ function: RangeAggregation.Function) throws -> RangeAggregation {
        let start = tokens.start
        try expect("(")
        var parameter = 0.0
        if function == .quantile {
            guard case .quantity(let text) = tokens.current, let number = Double(text), (0...1).contains(number) else {
                throw unexpected("a quantile from 0 to 1")
            }
            parameter = number
            try tokens.advance()
            try expect(",")
        }
        var rows = RangeRows()
        try rangeRows(&rows)
        try expect(")")
        guard let range = rows.range else {
            throw LogQLError.malformed("\(function.rawValue) takes a range such as [5m] behind its selector", at: start)
        }
        var result = RangeAggregation(
            function: function, selector: rows.selector, unwrap: rows.unwrap, range: range, offset: rows.offset,
            parameter: parameter)
        if let place = groupingAhead(), case let grouping = try grouping() {
            guard function.needsNumbers else {
                throw LogQLError.malformed("\(function.rawValue) has no groups of its own; write sum by (…) (…)", at: place)
            }
            result.grouping = grouping
        }
        if function.needsNumbers, rows.unwrap == nil {
            throw LogQLError.malformed("\(function.rawValue) takes the numbers of a field: add | unwrap FIELD", at: start)
        }
        if !function.needsNumbers, function != .rate, rows.unwrap != nil {
            throw LogQLError.malformed("\(function.rawValue) counts lines; it takes no unwrap", at: start)
        }
        return result
    }

    private struct RangeRows {
        var selector = LogSelector(matchers: [])
        var unwrap: Unwrap?
        var range: Int64?
        var offset: Int64 = 0
    }

    /// A selector with its stages and its range, which is at the end or right behind the selector.
    private mutating func rangeRows(_ rows: inout RangeRows) throws {
        if try take("(") {
            try nested { try $0.rangeRows(&rows) }
            try expect(")")
        } else {
            rows.selector.matchers = try matchers()
        }
        while true {
            if tokens.isUnwrap {
                guard rows.unwrap == nil else { throw LogQLError.malformed("it unwraps two fields", at: tokens.start) }
                rows.unwrap = try unwrap()
            } else if startsStage() {
                try stages(&rows.selector.stages)
            } else if rows.range == nil, try take("[") {
                rows.range = try duration("a range such as 5m")
                try expect("]")
            } else if tokens.current == .word("offset") {
                try tokens.advance()
                let isNegative = try take("-")
                let offset = try duration("a duration such as 1h")
                rows.offset = isNegative ? -offset : offset
            } else {
                return
            }
        }
    }

    private mutating func duration(_ what: String) throws -> Int64 {
        guard case .quantity(let text) = tokens.current, let seconds = Quantity.seconds(text) else { throw unexpected(what) }
        let microseconds = seconds * 1e6
        guard microseconds >= 1, microseconds <= Double(Self.maxRange) else { throw unexpected(what) }
        try tokens.advance()
        return Int64(microseconds)
    }

    private mutating func unwrap() throws -> Unwrap {
        try expect("|")
        try tokens.advance()
        let start = tokens.start
        let name = try word("the name of a field")
        guard try take("(") else { return Unwrap(name: OutsideText(name), conversion: .number) }
        guard !name.isEmpty, let conversion = Unwrap.Conversion(rawValue: name) else {
            throw LogQLError.malformed("unwrap knows duration(…), duration_seconds(…) and bytes(…)", at: start)
        }
        let field = try word("the name of a field")
        try expect(")")
        return Unwrap(name: OutsideText(field), conversion: conversion)
    }

    // MARK: Groups

    private func groupingAhead() -> Int? {
        tokens.current == .word("by") || tokens.current == .word("without") ? tokens.start : nil
    }

    private mutating func grouping() throws -> Grouping {
        let isWithout = tokens.current == .word("without")
        try tokens.advance()
        return Grouping(names: try names(), isWithout: isWithout)
    }

    private mutating func names() throws -> [OutsideText] {
        try expect("(")
        var names: [OutsideText] = []
        while try !take(")") {
            if !names.isEmpty { try expect(",") }
            names.append(OutsideText(try word("the name of a label")))
        }
        return names
    }

    private mutating func vectorAggregation(_ function: VectorAggregation.Function) throws -> VectorAggregation {
        var groups = groupingAhead() == nil ? nil : try grouping()
        try expect("(")
        var count = 0
        if function.takesNumber {
            guard case .quantity(let text) = tokens.current, let number = Int(text), (1...10_000).contains(number) else {
                throw unexpected("how many series, from 1 to 10000,")
            }
            count = number
            try tokens.advance()
            try expect(",")
        }
        let inner = try nested { try $0.expression() }
        try expect(")")
        if let place = groupingAhead() {
            guard groups == nil else { throw LogQLError.malformed("its groups are given twice", at: place) }
            groups = try grouping()
        }
        return VectorAggregation(function: function, grouping: groups, count: count, of: inner)
    }
}
