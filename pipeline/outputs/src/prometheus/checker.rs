//! A strict reader of the text format, to test the writer with.

use std::collections::{HashMap, HashSet};

/// Checks a whole exposition; gives the number of samples.
pub(super) fn check(text: &str) -> Result<usize, String> {
    if !text.ends_with('\n') {
        return Err("the last line has no end".into());
    }
    let mut reader = Reader::default();
    for (number, line) in text.lines().enumerate() {
        let read = reader.line(line);
        read.map_err(|why| format!("line {}: {why}: {line}", number + 1))?;
    }
    reader.end_family()?;
    Ok(reader.seen.len())
}

/// Labels of a sample, `le` apart.
type LabelSet = Vec<(String, String)>;

#[derive(Default)]
struct Reader {
    families: HashSet<String>,
    seen: HashSet<String>,
    name: String,
    kind: String,
    helped: String,
    /// Per label set of a histogram: bounds with counts, and the count sample.
    buckets: HashMap<LabelSet, Vec<(f64, u64)>>,
    counts: HashMap<LabelSet, u64>,
    sums: HashSet<LabelSet>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').ok_or("HELP without text")?;
            self.end_family()?;
            self.helped = name.to_owned();
            return if text.is_empty() { Err("empty HELP".into()) } else { Ok(()) };
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').ok_or("TYPE without a type")?;
            if self.helped != name {
                return Err("TYPE without its HELP before it".into());
            }
            if !["counter", "gauge", "histogram", "summary"].contains(&kind) {
                return Err("unknown type".into());
            }
            if !self.families.insert(name.to_owned()) {
                return Err("a second family of that name".into());
            }
            (self.name, self.kind) = (name.to_owned(), kind.to_owned());
            return Ok(());
        }
        self.sample(line)
    }

    fn sample(&mut self, line: &str) -> Result<(), String> {
        let name_end = line.find(['{', ' ']).ok_or("no value")?;
        let (name, rest) = line.split_at(name_end);
        let (labels, value) = labels(rest)?;
        let suffix = name.strip_prefix(&self.name).ok_or("outside its family")?;
        let fits = match self.kind.as_str() {
            "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
            "summary" => ["_sum", "_count"].contains(&suffix),
            _ => suffix.is_empty(),
        };
        if !fits {
            return Err("a name its type does not have".into());
        }
        if self.kind == "counter" && !self.name.ends_with("_total") {
            return Err("a counter not called _total".into());
        }
        if !self.seen.insert(format!("{name}{labels:?}")) {
            return Err("the same series twice".into());
        }
        let number: f64 = value.parse().map_err(|_| "not a number")?;
        if self.kind == "histogram" {
            self.part(suffix, labels, number)?;
        }
        Ok(())
    }

    fn part(&mut self, suffix: &str, mut labels: LabelSet, value: f64) -> Result<(), String> {
        match suffix {
            "_bucket" => {
                let (name, bound) = labels.pop().ok_or("a bucket without le")?;
                if name != "le" {
                    return Err("le is not the last label".into());
                }
                let bound: f64 = bound.parse().map_err(|_| "le is not a number")?;
                let before = self.buckets.entry(labels).or_default();
                if before.last().is_some_and(|(b, c)| *b >= bound || *c > value as u64) {
                    return Err("buckets do not ascend".into());
                }
                before.push((bound, value as u64));
            }
            "_sum" => {
                self.sums.insert(labels);
            }
            _ => {
                self.counts.insert(labels, value as u64);
            }
        }
        Ok(())
    }

    fn end_family(&mut self) -> Result<(), String> {
        for (labels, buckets) in self.buckets.drain() {
            let last = buckets.last().filter(|(bound, _)| bound.is_infinite());
            let (_, total) = last.ok_or("no bucket +Inf")?;
            if buckets.len() != 15 || self.counts.remove(&labels) != Some(*total) {
                return Err(format!("{labels:?}: the count is not that of +Inf"));
            }
            if !self.sums.remove(&labels) {
                return Err(format!("{labels:?}: no sum"));
            }
        }
        if self.counts.is_empty() && self.sums.is_empty() {
            Ok(())
        } else {
            Err("a count or sum without buckets".into())
        }
    }
}

/// Reads `{name="value",…} number`.
fn labels(text: &str) -> Result<(LabelSet, &str), String> {
    let mut labels = Vec::new();
    let Some(mut rest) = text.strip_prefix('{') else {
        return Ok((labels, text.trim_start()));
    };
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(word) {
            return Err(format!("not a label name: {name}"));
        }
        let (mut value, mut characters) = (String::new(), after.char_indices());
        let end = loop {
            match characters.next().ok_or("a label value without end")? {
                (at, '"') => break at,
                (_, '\\') => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, c @ ('\\' | '"'))) => value.push(c),
                    _ => return Err("an escape that does not exist".into()),
                },
                (_, c) => value.push(c),
            }
        };
        if value.is_empty() || labels.iter().any(|(known, _)| known == name) {
            return Err(format!("label {name} is empty or there twice"));
        }
        labels.push((name.to_owned(), value));
        let tail = &after[end + 1..];
        if let Some(value) = tail.strip_prefix("} ") {
            return Ok((labels, value));
        }
        rest = tail.strip_prefix(',').ok_or("no comma between labels")?;
    }
}

#[test]
fn the_reader_refuses_what_is_not_valid() {
    let start = "# HELP a_total A.\n# TYPE a_total counter\n";
    let histogram = "# HELP h H.\n# TYPE h histogram\n";
    for wrong in [
        "a_total 1\n".to_owned(),
        format!("{start}a_total 1"),
        format!("{start}a_total x\n"),
        format!("{start}a_total 1\na_total 1\n"),
        format!("{start}a_total{{b=\"\"}} 1\n"),
        format!("{start}a_total{{b=\"c}} 1\n"),
        format!("{start}{start}"),
        "# HELP a A.\n# TYPE a counter\na 1\n".to_owned(),
        format!("{histogram}h_bucket{{le=\"1\"}} 1\nh_sum 1\nh_count 1\n"),
        format!("{histogram}h_sum 1\nh_count 1\n"),
        format!("{histogram}h_bucket{{le=\"2\"}} 1\nh_bucket{{le=\"1\"}} 1\n"),
    ] {
        assert!(check(&wrong).is_err(), "{wrong}");
    }
    assert_eq!(check(&format!("{start}a_total{{b=\"c\\n\"}} 1\n")), Ok(1));
}
