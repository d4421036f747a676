//! Edges as a tree: each service below who calls it.
//!
//! A service called from several places stands below each of them, but its own calls only once, at
//! the first: the tree has as many rows as there are edges, and circles end.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::view::EdgeRow;

/// Rows of the tree; a host has thousands of edges, a person reads tens.
const ROWS_MAX: usize = 5_000;
/// How deep it goes.
const DEPTH_MAX: usize = 24;

/// A service in the tree.
#[derive(Clone, Debug)]
pub(crate) struct Branch<'a> {
    /// The lines that lead to it.
    pub(crate) lines: String,
    /// Who it is.
    pub(crate) name: &'a str,
    /// The call from the one above; `None` for those whom nobody calls.
    pub(crate) edge: Option<&'a EdgeRow>,
    /// From the top to here.
    pub(crate) path: String,
    /// Its own calls stand elsewhere.
    pub(crate) is_cut: bool,
    depth: usize,
}

/// Plants the tree. `keeps` says which calls to show, with all that lead there; `order` puts the
/// calls of one service in order.
pub(crate) fn plant<'a>(
    edges: &'a [EdgeRow],
    keeps: impl Fn(&EdgeRow) -> bool,
    order: impl Fn(&EdgeRow, &EdgeRow) -> Ordering,
) -> Vec<Branch<'a>> {
    let mut calls: BTreeMap<&str, Vec<&EdgeRow>> = BTreeMap::new();
    for edge in edges {
        calls.entry(&edge.client).or_default().push(edge);
    }
    for of_one in calls.values_mut() {
        of_one.sort_by(|a, b| order(a, b).then_with(|| a.server.cmp(&b.server)));
    }
    let called: BTreeSet<&str> = edges.iter().map(|edge| edge.server.as_str()).collect();
    let mut tops: Vec<&str> = calls.keys().copied().filter(|name| !called.contains(name)).collect();
    // The busiest first; those that are only in circles come last.
    let first = |name: &str| calls.get(name).and_then(|of_one| of_one.first().copied());
    tops.sort_by(|a, b| match (first(a), first(b)) {
        (Some(a), Some(b)) => order(a, b),
        _ => Ordering::Equal,
    });
    tops.extend(calls.keys().copied().filter(|name| called.contains(name)));
    let mut grown = Growing { calls: &calls, done: BTreeSet::new(), rows: Vec::new() };
    for top in tops {
        if !grown.done.contains(top) {
            grown.add(None, top, "", 0);
        }
    }
    let mut rows = pruned(grown.rows, keeps);
    draw_lines(&mut rows);
    rows
}

struct Growing<'a, 'c> {
    calls: &'c BTreeMap<&'a str, Vec<&'a EdgeRow>>,
    /// Services whose calls stand in the tree.
    done: BTreeSet<&'a str>,
    rows: Vec<Branch<'a>>,
}

impl<'a> Growing<'a, '_> {
    fn add(&mut self, edge: Option<&'a EdgeRow>, name: &'a str, above: &str, depth: usize) {
        if self.rows.len() == ROWS_MAX {
            return;
        }
        let path = format!("{above}\u{1f}{name}");
        let own = self.calls.get(name).map_or(&[][..], Vec::as_slice);
        let is_cut = !own.is_empty() && (depth == DEPTH_MAX || !self.done.insert(name));
        let lines = String::new();
        self.rows.push(Branch { lines, name, edge, path: path.clone(), is_cut, depth });
        if !is_cut {
            for call in own {
                self.add(Some(call), &call.server, &path, depth + 1);
            }
        }
    }
}

/// Keeps what fits and all that stands above it.
fn pruned<'a>(rows: Vec<Branch<'a>>, keeps: impl Fn(&EdgeRow) -> bool) -> Vec<Branch<'a>> {
    let mut is_needed = [false; DEPTH_MAX + 1];
    let mut kept = Vec::new();
    for row in rows.into_iter().rev() {
        let is_led_to = std::mem::take(&mut is_needed[row.depth]);
        if is_led_to || row.edge.is_some_and(&keeps) {
            if let Some(above) = row.depth.checked_sub(1) {
                is_needed[above] = true;
            }
            kept.push(row);
        }
    }
    kept.reverse();
    kept
}

fn draw_lines(rows: &mut [Branch<'_>]) {
    // By depth: another one follows below the same service.
    let mut goes_on = [false; DEPTH_MAX + 2];
    for row in rows.iter_mut().rev() {
        for goes_on in goes_on.iter().take(row.depth).skip(1) {
            row.lines.push_str(if *goes_on { "│ " } else { "  " });
        }
        if row.depth > 0 {
            row.lines.push_str(if goes_on[row.depth] { "├ " } else { "└ " });
        }
        goes_on[row.depth] = true;
        goes_on[row.depth + 1..].fill(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(edges: &[(&str, &str)], keeps: impl Fn(&EdgeRow) -> bool) -> Vec<String> {
        let edge = |(client, server): &(&str, &str)| EdgeRow {
            client: (*client).into(),
            server: (*server).into(),
            ..EdgeRow::default()
        };
        let edges: Vec<EdgeRow> = edges.iter().map(edge).collect();
        let shown = |branch: &Branch<'_>| {
            let cut = if branch.is_cut { " …" } else { "" };
            format!("{}{}{cut}", branch.lines, branch.name)
        };
        plant(&edges, keeps, |_, _| Ordering::Equal).iter().map(shown).collect()
    }

    const SHOP: &[(&str, &str)] =
        &[("load", "web"), ("web", "cart"), ("web", "orders"), ("cart", "db"), ("orders", "db")];

    #[test]
    fn every_call_stands_below_its_caller() {
        let expected = ["load", "└ web", "  ├ cart", "  │ └ db", "  └ orders", "    └ db"];
        assert_eq!(grown(SHOP, |_| true), expected);
    }

    #[test]
    fn what_leads_to_a_kept_call_is_kept() {
        let expected = ["load", "└ web", "  └ orders", "    └ db"];
        assert_eq!(grown(SHOP, |edge| edge.client == "orders"), expected);
    }

    #[test]
    fn calls_are_shown_once_and_circles_end() {
        let twice = [("a", "b"), ("c", "b"), ("b", "d")];
        assert_eq!(grown(&twice, |_| true), ["a", "└ b", "  └ d", "c", "└ b …"]);
        let circle = [("a", "b"), ("b", "a")];
        assert_eq!(grown(&circle, |_| true), ["a", "└ b", "  └ a …"]);
        assert_eq!(grown(&[("a", "a")], |_| true), ["a", "└ a …"]);
    }
}
