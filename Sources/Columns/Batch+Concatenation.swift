extension Batch {
    /// The rows of all `batches` in their order, in new storage.
    ///
    /// - Precondition: all have `schema`.
    public static func concatenating(_ batches: [Batch], schema: Schema) -> Batch {
        if batches.count == 1 { return batches[0] }
        guard !batches.isEmpty else { return Batch(empty: schema) }
        let columns = schema.fields.indices.map { index in
            Column.concatenating(batches.map { $0.columns[index] }, type: schema.fields[index].type)
        }
        return Batch(schema: schema, columns: columns)
    }
}

extension Column {
    /// - Precondition: each column's storage fits `type`.
    fileprivate static func concatenating(_ columns: [Column], type: ColumnType) -> Column {
        let count = columns.reduce(0) { $0 + $1.count }
        var validity: Bitmap?
        if columns.contains(where: { $0.nullCount > 0 }) {
            var bits = Bitmap()
            for column in columns { for row in 0..<column.count { bits.append(!column.isNull(at: row)) } }
            validity = bits
        }
        switch type {
        case .bool:
            let all = columns.flatMap { column -> ArraySlice<Bool> in
                if case .bool(let all) = column.values { all[column.range] } else { [] }
            }
            return Column(.bool(all), validity: validity)
        case .int32, .date:
            let all = columns.flatMap { column -> ArraySlice<Int32> in
                if case .int32(let all) = column.values { all[column.range] } else { [] }
            }
            return Column(.int32(all), validity: validity)
        case .int64, .timestamp:
            let all = columns.flatMap { column -> ArraySlice<Int64> in
                if case .int64(let all) = column.values { all[column.range] } else { [] }
            }
            return Column(.int64(all), validity: validity)
        case .float:
            let all = columns.flatMap { column -> ArraySlice<Float> in
                if case .float(let all) = column.values { all[column.range] } else { [] }
            }
            return Column(.float(all), validity: validity)
        case .double:
            let all = columns.flatMap { column -> ArraySlice<Double> in
                if case .double(let all) = column.values { all[column.range] } else { [] }
            }
            return Column(.double(all), validity: validity)
        case .text, .binary:
            let areCoded = columns.allSatisfy { column in if case .dictionary = column.values { true } else { false } }
            guard areCoded else {
                var texts = TextValues()
                texts.reserveCapacity(texts: count, bytes: 0)
                for column in columns { for row in 0..<column.count { column.withBytes(at: row) { texts.append($0) } } }
                return Column(.text(texts), validity: validity)
            }
            // Codes of two columns do not compare: each dictionary is entered into a new one, once a text.
            var builder = DictionaryBuilder()
            var codes: [UInt32] = []
            codes.reserveCapacity(count)
            for column in columns {
                guard case .dictionary(let values) = column.values else { continue }
                let map = (0..<values.dictionary.count).map { builder.code(of: values.dictionary[$0]) }
                for code in values.codes[column.range] { codes.append(map[Int(code)]) }
            }
            return Column(.dictionary(DictionaryValues(codes: codes, dictionary: builder.takeTexts())), validity: validity)
        }
    }
}
