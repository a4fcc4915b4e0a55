/// The words of expressions that ``GroupedSelectWriter`` knows. What is not here stays with SQLite.
enum SQLVocabulary {
    /// Words that are neither columns nor functions, and types of CAST.
    private static let keywords: Set<String> = [
        "and", "or", "not", "in", "is", "isnull", "notnull", "null", "like", "glob", "escape", "between", "case", "when", "then",
        "else", "end", "cast", "as", "collate", "nocase", "binary", "rtrim", "asc", "desc", "nulls", "first", "last", "distinct",
        "filter", "where", "group", "having", "order", "by", "limit", "offset", "true", "false", "integer", "real", "text",
        "numeric", "blob",
    ]

    /// Of one row, and the same for the same arguments.
    private static let functions: Set<String> = [
        "abs", "ago", "bucket", "cidr", "coalesce", "date", "datetime", "format", "hex", "ifnull", "iif", "instr",
        "json_extract", "julianday", "label", "length", "lower", "ltrim", "matches", "max", "min", "nullif", "printf", "quote",
        "replace", "round", "rtrim", "sign", "strftime", "substr", "substring", "time", "trim", "typeof", "unicode", "unixepoch",
        "upper", "utc",
    ]

    static let aggregates: Set<String> = ["count", "sum", "total", "avg", "min", "max"]

    static func isKeyword(_ word: SQLWords.Word) -> Bool { !word.isQuoted && keywords.contains(word.name) }
    static func isFunction(_ word: SQLWords.Word) -> Bool { !word.isQuoted && functions.contains(word.name) }
}
