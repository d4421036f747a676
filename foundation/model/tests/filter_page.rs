//! `docs/filters.md` lists the keys that there are.
//!
//! The list stands between two marks; `BLESS=1 cargo test -p redsight-model --test
//! filter_page` writes it.

use std::path::Path;

use model::filter::Filter;
use model::filter::key::{KEYS, Sort};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/filters.md");
const MARKS: [&str; 2] = ["<!-- keys: written by a test -->\n", "<!-- end of keys -->\n"];

fn list() -> String {
    let mut out = String::from("| key | value | rows | what it is |\n|---|---|---|---|\n");
    for about in KEYS {
        let spellings: Vec<String> = std::iter::once(&about.name)
            .chain(about.aliases)
            .map(|spelling| format!("`{spelling}`"))
            .collect();
        let value = match about.sort {
            Sort::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect(),
            sort => vec![word(sort).to_owned()],
        };
        let rows: Vec<&str> = about.rows.iter().map(|rows| rows.as_str()).collect();
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            spellings.join(" "),
            value.join(" "),
            rows.join(", "),
            about.help.trim()
        ));
    }
    out
}

const fn word(sort: Sort) -> &'static str {
    match sort {
        Sort::Text | Sort::Choice(_) => "text",
        Sort::Address => "address",
        Sort::Status => "status",
        Sort::Flag => "flag",
        Sort::Duration => "duration",
        Sort::Bytes => "size",
        Sort::Number => "number",
        Sort::Share => "share",
    }
}

#[test]
fn the_page_lists_every_key() {
    let page = std::fs::read_to_string(PAGE).expect("docs/filters.md is there");
    let (start, rest) = page.split_once(MARKS[0]).expect("the first mark is there");
    let (found, end) = rest.split_once(MARKS[1]).expect("the second mark is there");
    if std::env::var_os("BLESS").is_some() {
        let whole = format!("{start}{}{}{}{end}", MARKS[0], list(), MARKS[1]);
        std::fs::write(Path::new(PAGE), whole).expect("docs/filters.md can be written");
        return;
    }
    let remedy = "BLESS=1 cargo test -p redsight-model --test filter_page";
    assert!(found == list(), "docs/filters.md is not what the keys say; write it anew: {remedy}");
}

/// Every example of the page is a filter.
#[test]
fn the_examples_are_filters() {
    let page = std::fs::read_to_string(PAGE).expect("docs/filters.md is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let examples = rows.filter_map(|row| row.split_once("` | keeps ")).map(|(text, _)| text);
    let read: Vec<_> = examples.map(|text| (text, Filter::parse(text))).collect();
    assert!(read.len() > 5, "{read:?}");
    for (text, filter) in read {
        assert!(filter.is_ok(), "{text}: {filter:?}");
    }
}
