//! The keywords the scanner knows, and the fixed names of operations.

/// An uppercase word of at most 16 bytes as a number, so that comparing words is comparing numbers.
pub(super) type Packed = u128;

/// Packs a constant.
pub(super) const fn packed(word: &str) -> Packed {
    let bytes = word.as_bytes();
    let mut value = 0;
    let mut at = 0;
    while at < bytes.len() && at < 16 {
        value = value << 8 | bytes[at].to_ascii_uppercase() as Packed;
        at += 1;
    }
    value
}

/// Packs a word of the text; 0 if it is too long to be a keyword that matters here.
pub(super) fn pack(word: &[u8]) -> Packed {
    if word.len() > 16 {
        // The one keyword that is longer: its start is its number.
        let is_long = word.eq_ignore_ascii_case(b"NO_WRITE_TO_BINLOG");
        return if is_long { NO_WRITE_TO_BINLOG } else { 0 };
    }
    let fold = |value: Packed, b: &u8| value << 8 | Packed::from(b.to_ascii_uppercase());
    word.iter().fold(0, fold)
}

macro_rules! keywords {
    ($($name:ident)*) => {
        $(pub(super) const $name: Packed = packed(stringify!($name));)*
    };
}

keywords! {
    ALL ANALYZE APPLY AS COLUMN CONCURRENTLY CONSTRAINT DATABASE DELAYED DELETE DISTINCT
    DUMPFILE EXCEPT EXISTS EXTENDED FOR FORMAT FREEZE FROM FULL GLOBAL GROUP HAVING
    HIGH_PRIORITY IF IGNORE INDEX INSERT INTERSECT INTO JOIN LATERAL LIMIT LOCAL LOW_PRIORITY
    MATERIALIZED MERGE MINUS NOT NO_WRITE_TO_BINLOG OFFSET ON ONLY ORDER OUTFILE OVERWRITE
    PARTITIONS PERSIST PREPARE QUICK RECURSIVE REPLACE RETURNING SCHEMA SELECT SESSION SET
    STRAIGHT_JOIN SYSTEM TABLE TABLES TEMP TEMPORARY TOP TRANSACTION UNION UNLOGGED UPDATE USING
    VALUES VERBOSE VIEW WHERE WINDOW WITH
}

/// What follows the first word of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A query: tables stand after FROM, JOIN, INTO, UPDATE.
    Query,
    /// A name, or a list of them, after some noise words.
    Named,
    /// The name after ON.
    NamedAfterOn,
    /// The name after INTO.
    NamedAfterInto,
    /// CREATE, ALTER or DROP and a kind of object.
    Definition,
    /// A statement to explain.
    Explain,
    /// A name or a query in parentheses.
    Copy,
    /// A name, then a query after AS or FOR.
    Prepare,
    /// Nothing worth a name.
    Bare,
}

macro_rules! verbs {
    ($($shape:ident: $($verb:ident)*;)*) => {
        /// The first word of a statement: its name in the output, and its shape.
        pub(super) fn verb(word: &[u8]) -> Option<(&'static str, Shape)> {
            $($(const $verb: Packed = packed(stringify!($verb));)*)*
            Some(match pack(word) {
                $($($verb => (stringify!($verb), Shape::$shape),)*)*
                0 => return long_verb(word),
                _ => return None,
            })
        }
    };
}

verbs! {
    Query: SELECT INSERT UPDATE DELETE MERGE REPLACE VALUES TABLE WITH;
    Named: TRUNCATE LOCK VACUUM ANALYZE CALL EXECUTE EXEC DEALLOCATE LISTEN UNLISTEN NOTIFY SET
        RESET SHOW USE CLUSTER REINDEX REFRESH OPTIMIZE REPAIR PRAGMA DESC DESCRIBE CHECK CHECKSUM
        RENAME HANDLER;
    NamedAfterOn: COMMENT GRANT REVOKE;
    NamedAfterInto: LOAD IMPORT;
    Definition: CREATE ALTER DROP;
    Explain: EXPLAIN;
    Copy: COPY;
    Prepare: PREPARE DECLARE;
    Bare: BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE FETCH MOVE CLOSE OPEN DISCARD DO
        UNLOCK REASSIGN SECURITY CHECKPOINT KILL FLUSH XA
        DBCC BACKUP RESTORE WAITFOR PRINT RAISERROR THROW RETURN IF WHILE ATTACH DETACH SHUTDOWN
        HELP PURGE CHANGE STOP GO IDENTIFY_SYSTEM TIMELINE_HISTORY BASE_BACKUP
        UPLOAD_MANIFEST;
}

/// Verbs of more than 16 letters: all of the replication protocol.
fn long_verb(word: &[u8]) -> Option<(&'static str, Shape)> {
    [
        "START_REPLICATION",
        "CREATE_REPLICATION_SLOT",
        "ALTER_REPLICATION_SLOT",
        "DROP_REPLICATION_SLOT",
        "READ_REPLICATION_SLOT",
    ]
    .into_iter()
    .find(|verb| word.eq_ignore_ascii_case(verb.as_bytes()))
    .map(|verb| (verb, Shape::Bare))
}

/// True for statements that only frame others.
pub(super) fn is_frame(verb: &str) -> bool {
    matches!(
        verb,
        "BEGIN"
            | "START"
            | "COMMIT"
            | "END"
            | "ROLLBACK"
            | "ABORT"
            | "SAVEPOINT"
            | "RELEASE"
            | "SET"
            | "RESET"
            | "DISCARD"
    )
}

/// How a kind of object names itself in CREATE, ALTER and DROP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// By the name that follows.
    Own,
    /// By the table after ON.
    On,
    /// Not at all: names of people, or nothing of use.
    None,
}

macro_rules! objects {
    ($($naming:ident: $($object:ident)*;)*) => {
        /// The kind of object of a definition.
        pub(super) fn object(word: Packed) -> Option<(&'static str, Naming)> {
            $($(const $object: Packed = packed(stringify!($object));)*)*
            Some(match word {
                $($($object => (stringify!($object), Naming::$naming),)*)*
                _ => return None,
            })
        }
    };
}

objects! {
    Own: TABLE VIEW SEQUENCE SCHEMA DATABASE FUNCTION PROCEDURE PROC TYPE DOMAIN EXTENSION AGGREGATE
        COLLATION CONVERSION PUBLICATION SUBSCRIPTION TABLESPACE STATISTICS ROUTINE EVENT KEYSPACE
        PACKAGE SYNONYM MATERIALIZED FOREIGN;
    On: INDEX TRIGGER POLICY RULE;
    None: ROLE USER GROUP LOGIN OWNED SERVER LANGUAGE CAST OPERATOR TRANSFORM TEXT ACCESS LARGE
        DEFAULT SYSTEM SESSION;
}
