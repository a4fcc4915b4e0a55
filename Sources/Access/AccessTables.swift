import Store

extension AccessStore {
    /// The names of the tables: hashes of secrets are in them.
    public static let tables: Set<String> = ["token", "account", "session"]

    /// The tables of tokens, accounts and sessions. Secrets are kept as hashes only.
    public static let migrations = [
        Migration(
            id: "0.1 access",
            sql: """
                -- The tokens that programs send; `obs token`. The secret itself is not kept.
                CREATE TABLE token (
                    id INTEGER PRIMARY KEY,
                    -- Unique among the tokens that are not revoked; what its owner does is recorded under it.
                    name TEXT NOT NULL,
                    -- viewer, responder, admin or ingest.
                    role TEXT NOT NULL,
                    -- How the secret begins, to recognize it.
                    prefix TEXT NOT NULL,
                    -- The SHA-256 of the secret.
                    hash BLOB NOT NULL UNIQUE,
                    -- Microseconds since 1970, as all times here.
                    created_at INTEGER NOT NULL,
                    -- Who created it.
                    created_by TEXT NOT NULL,
                    -- From then on it is refused; null for never.
                    expires_at INTEGER,
                    -- Its last use, to ten minutes.
                    last_used_at INTEGER,
                    -- When it was revoked; null while it was not.
                    revoked_at INTEGER);

                -- The people who may log in on the page.
                CREATE TABLE account (
                    name TEXT PRIMARY KEY,
                    -- viewer, responder or admin.
                    role TEXT NOT NULL,
                    -- The scrypt hash of the password, with its parameters and salt.
                    password TEXT NOT NULL,
                    -- Microseconds since 1970, as all times here.
                    created_at INTEGER NOT NULL,
                    -- Who created it.
                    created_by TEXT NOT NULL,
                    -- When its password was set.
                    password_at INTEGER NOT NULL,
                    -- The last log-in; null before the first.
                    last_login_at INTEGER) WITHOUT ROWID;

                -- Who is logged in on the page.
                CREATE TABLE session (
                    -- The SHA-256 of the cookie.
                    hash BLOB PRIMARY KEY,
                    -- The name of the person.
                    person TEXT NOT NULL,
                    -- The role of a person without an account of obs; null where the account says it.
                    role TEXT,
                    -- When the person logged in.
                    created_at INTEGER NOT NULL,
                    -- From then on the person has to log in again.
                    expires_at INTEGER NOT NULL,
                    -- The address that the person logged in from.
                    address TEXT NOT NULL) WITHOUT ROWID;
                CREATE INDEX session_person ON session (person);
                """)
    ]
}
