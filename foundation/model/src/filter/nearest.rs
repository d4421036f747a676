//! The word somebody probably meant.

/// The candidate that is fewest changes away from `word`, if that is few enough to be a slip.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let length = word.chars().count();
    // A third of the word may be wrong: more than that is another word.
    let changes_max = (length / 3).max(1);
    let scored = candidates.into_iter().map(|candidate| (changes(&word, candidate), candidate));
    let best = scored.min_by_key(|(count, _)| *count);
    best.filter(|(count, _)| *count <= changes_max).map(|(_, candidate)| candidate)
}

/// Letters to insert, remove, replace or swap with their neighbour (optimal string alignment).
fn changes(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before = vec![0; to.len() + 1];
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut least = (row[j] + usize::from(a != b)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && from[i - 1] == *b && *a == to[j - 1] {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        (before, row) = (row, next);
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let keys = ["service", "status", "latency", "peer", "ttfb"];
        let cases = [
            ("servce", Some("service")),
            ("SERVICES", Some("service")),
            ("statsu", Some("status")),
            ("latencey", Some("latency")),
            ("pere", Some("peer")),
            ("tfb", Some("ttfb")),
            ("colour", None),
            ("x", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, keys), expected, "{word}");
        }
    }
}
