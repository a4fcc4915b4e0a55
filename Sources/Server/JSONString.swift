import Query

/// JSON text of a string; the one implementation is in `Query`.
typealias JSONString = Query.JSON
