//! The rows of `statements.tsv`, whole and cut off at every byte.

use super::Dialect::{MySql, SqlServer, Standard};
use super::{Dialect, Sql};

/// One statement and its names.
struct Row {
    dialect: Dialect,
    text: String,
    names: [String; 3],
}

fn rows() -> Vec<Row> {
    let lines = include_str!("statements.tsv").lines();
    lines.filter(|line| !line.starts_with('#')).map(row).collect()
}

fn row(line: &str) -> Row {
    let mut cells = line.split('\t');
    let mut cell = || cells.next().unwrap_or_default();
    let dialect = match cell() {
        "Standard" => Standard,
        "MySql" => MySql,
        "SqlServer" => SqlServer,
        other => panic!("{other} is no dialect"),
    };
    // Only these two escapes are used; the backslash is doubled everywhere else.
    let text = cell().replace("\\\\", "\u{1}").replace("\\n", "\n").replace('\u{1}', "\\");
    Row { dialect, text, names: [cell(), cell(), cell()].map(str::to_owned) }
}

fn named(sql: Sql<'_>) -> [String; 3] {
    let (mut operation, mut target) = (String::new(), String::new());
    sql.name(&mut operation, &mut target);
    [operation, target, sql.summary()]
}

#[test]
fn statements_are_named_by_verb_and_tables() {
    let mut wrong = Vec::new();
    let rows = rows();
    for row in &rows {
        let got = named(Sql { text: row.text.as_bytes(), dialect: row.dialect, cut: false });
        if got != row.names {
            wrong.push(format!("{}\n   got {got:?}\n  want {:?}", row.text, row.names));
        }
    }
    assert!(rows.len() >= 130, "{}", rows.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn literals_never_reach_the_output_wherever_the_text_is_cut() {
    for row in rows() {
        let text = row.text.as_bytes();
        for end in 0..=text.len() {
            for out in
                named(Sql { text: &text[..end], dialect: row.dialect, cut: end < text.len() })
            {
                let lower = out.to_lowercase();
                assert!(!lower.contains("secret"), "{out} from {}", row.text);
                assert!(!lower.contains("4711"), "{out} from {}", row.text);
                assert!(out.len() <= Sql::NAME_BYTES_MAX, "{out}");
            }
        }
    }
}

#[test]
fn cut_text_gives_no_half_name() {
    let sql = Sql { text: b"SELECT * FROM orders JOIN custom", dialect: Standard, cut: true };
    assert_eq!(named(sql)[1], "orders");
}

#[test]
fn bytes_that_are_no_text_are_survived() {
    for first in 0..=255_u8 {
        for second in 0..=255_u8 {
            let bytes = [b'S', first, second, b'(', first, b'\'', second, b'"', second];
            for dialect in [Standard, MySql, SqlServer] {
                named(Sql { text: &bytes, dialect, cut: false });
            }
        }
    }
    let deep = "SELECT (".repeat(5_000) + "1" + &")".repeat(6_000) + " FROM t";
    assert_eq!(named(Sql::standard(deep.as_bytes()))[0], "SELECT");
}

#[test]
fn many_tables_are_bounded() {
    let list: Vec<String> = (0..200).map(|i| format!("table_{i}")).collect();
    let sql = format!("SELECT * FROM {}", list.join(", "));
    let [_, target, summary] = named(Sql::standard(sql.as_bytes()));
    assert_eq!(target, "table_0, table_1, table_2");
    assert!(summary.len() <= Sql::NAME_BYTES_MAX && summary.starts_with("SELECT table_0 table_1"));
}
