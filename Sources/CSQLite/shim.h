#include <sqlite3.h>

// sqlite3_db_config is variadic, which Swift cannot call.

// For statements that people write: nothing may spoil the file or the process, whatever the schema or the statement says.
static inline int obs_sqlite_defend(sqlite3 *database) {
    int code = sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, (int *)0);
    return code;
}

// Whether a constraint `IN` is given as all its values at once: from 3.38 on.
static inline int obs_sqlite_takes_all(sqlite3_index_info *info, int constraint) {
#if SQLITE_VERSION_NUMBER >= 3038000
    return sqlite3_vtab_in(info, constraint, 1);
#else
    (void)info, (void)constraint;
    return 0;
#endif
}

static inline int obs_sqlite_first(sqlite3_value *all, sqlite3_value **one) {
#if SQLITE_VERSION_NUMBER >= 3038000
    return sqlite3_vtab_in_first(all, one);
#else
    (void)all, (void)one;
    return SQLITE_DONE;
#endif
}

static inline int obs_sqlite_next(sqlite3_value *all, sqlite3_value **one) {
#if SQLITE_VERSION_NUMBER >= 3038000
    return sqlite3_vtab_in_next(all, one);
#else
    (void)all, (void)one;
    return SQLITE_DONE;
#endif
}
