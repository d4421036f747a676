//! From the bytes of a file to its anchors.
//!
//! ```text
//! words of the key log in the constants ─▶ instructions that load one's address
//!   ─▶ the function they all call ─▶ an instruction near its beginning     (C, Go)
//!   ─▶ the call through a pointer                                          (Rust)
//! ```
//! Every step is proven or the file is refused: the words must agree, and what is probed was
//! decoded from the beginning of its function.

use std::collections::BTreeMap;

use super::anchor::{Anchor, Engine, Gap, Label, Located, Place, Random};
use super::bytes::Bytes;
use super::code::{Led, Program};
use super::engines::{C, CONVENTIONS, Call, Convention, ENGINES, GO, Row, UNNAMED};
use super::golang::GoTable;
use super::image::Image;
use super::scan::{Constants, Reference, Word, code_at, constants, references};
use super::walk;

/// Probes of one engine in one file: rustls has two for each of its cryptographic providers, a Go
/// program one for each copy of the TLS package.
const ANCHORS_MAX: usize = 8;
/// Labels of one anchor: twice as many as there are.
const LABELS_MAX: usize = 12;
/// Bytes of code by which a file is known again.
const CODE_BYTES: usize = 16;
/// Code of a function that is looked at for the client's random.
const BODY_BYTES: u64 = 2048;
/// Bytes of the client's random.
const RANDOM_BYTES: u64 = 32;

/// Finds every TLS engine of the file; `None` if it is no program or library of this machine.
pub fn locate(bytes: &dyn Bytes) -> Option<Located> {
    let image = Image::new(bytes)?;
    let mut found = constants(&image);
    let mut located = Located { openssl: openssl_version(&mut found), ..Located::default() };
    if found.words.is_empty() {
        return Some(located);
    }
    let references = references(&image, &found.words);
    let mut program = Program { image: &image, go: None };
    let targets: Vec<u64> = led(&program, &references, &GO).into_keys().collect();
    program.go = found.go_tables.iter().find_map(|at| GoTable::new(bytes, *at, &targets));
    for convention in &CONVENTIONS {
        located.engines.extend(engine(&program, &found, &references, convention));
    }
    Some(located)
}

/// The build id of a file, by which it is known again; empty if it has none.
pub(super) fn build_id(bytes: &dyn Bytes) -> Vec<u8> {
    Image::new(bytes).map(|image| image.build_id().to_vec()).unwrap_or_default()
}

/// The version of OpenSSL itself: what is compatible with it says so in brackets.
fn openssl_version(found: &mut Constants) -> String {
    let row = ENGINES.iter().position(|row| row.version_after == b"OpenSSL ");
    row.and_then(|row| found.versions.get_mut(row)).map(std::mem::take).unwrap_or_default()
}

fn engine(
    program: &Program<'_>,
    found: &Constants,
    references: &[Reference],
    convention: &Convention,
) -> Option<Engine> {
    let groups = match convention.call {
        Call::Function => led(program, references, convention),
        Call::Pointer => through(program, references, convention),
    };
    let row = row_of(convention, found, !groups.is_empty())?;
    let made = Engine {
        name: row.name.to_owned(),
        version: version_of(row, found),
        anchors: Vec::new(),
        gap: row.gap,
    };
    if row.gap == Some(Gap::KeyObject) {
        return Some(made);
    }
    let believed: Vec<_> =
        groups.iter().filter(|(_, group)| words(group) >= row.words_min).collect();
    if believed.is_empty() {
        let gap = if groups.is_empty() { Gap::NoReference } else { Gap::NotAgreed };
        return Some(Engine { gap: Some(gap), ..made });
    }
    let elsewhere = elsewhere(program, row);
    let anchors: Vec<Anchor> = believed
        .iter()
        .filter_map(|(target, group)| match convention.call {
            Call::Function => {
                // A word may be loaded long before the call: any that is there may be passed.
                let passed = |word: &&Word| *convention != C || word.is_ended;
                let words: Vec<Word> = found.words.iter().filter(passed).copied().collect();
                in_function(program, **target, (group, &words), convention, elsewhere)
            }
            Call::Pointer => at_call(program, **target, group, convention),
        })
        .take(ANCHORS_MAX)
        .collect();
    let gap = if anchors.is_empty() { Some(Gap::Unproven) } else { row.gap };
    Some(Engine { anchors, gap, ..made })
}

/// The row that names what was found. Without references the mark alone names an engine, but not by
/// a convention that any C library's text could bear.
fn row_of(convention: &Convention, found: &Constants, has_groups: bool) -> Option<&'static Row> {
    let is_marked = |at: usize| found.marked.get(at).copied().unwrap_or(false);
    let mut rows = ENGINES.iter().enumerate().filter(|(_, row)| row.convention == *convention);
    let row = rows.find(|(at, _)| is_marked(*at)).map(|(_, row)| row);
    match row {
        Some(row) => Some(row),
        None if has_groups && *convention == C => Some(&UNNAMED),
        None => None,
    }
}

fn version_of(row: &Row, found: &Constants) -> String {
    let at = ENGINES.iter().position(|other| other.name == row.name);
    at.and_then(|at| found.versions.get(at)).cloned().unwrap_or_default()
}

/// How many different words lead there.
fn words(group: &[Reference]) -> usize {
    let mut all: Vec<usize> = group.iter().map(|reference| reference.word.which).collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}

/// References by the function that their call leads to.
fn led(
    program: &Program<'_>,
    references: &[Reference],
    convention: &Convention,
) -> BTreeMap<u64, Vec<Reference>> {
    let mut groups: BTreeMap<u64, Vec<Reference>> = BTreeMap::new();
    let is_c = *convention == C;
    let wanted =
        references.iter().filter(|r| r.register == convention.label && (!is_c || r.word.is_ended));
    for reference in wanted {
        let Some(Led::To(target)) = program.led(reference.address, reference.register) else {
            continue;
        };
        groups.entry(target).or_default().push(*reference);
    }
    groups
}

/// References by the call through a pointer that follows them, where the lengths of the word and of
/// the random are passed. TLS 1.3 secrets are not passed unless asked for.
fn through(
    program: &Program<'_>,
    references: &[Reference],
    convention: &Convention,
) -> BTreeMap<u64, Vec<Reference>> {
    let mut groups: BTreeMap<u64, Vec<Reference>> = BTreeMap::new();
    for reference in references.iter().filter(|r| r.register == convention.label) {
        let Some(Led::Through(call)) = program.led(reference.address, reference.register) else {
            continue;
        };
        let numbers = [reference.word.length() as u64, RANDOM_BYTES];
        let is_master = reference.word.label() == Label::named(b"CLIENT_RANDOM");
        if is_master && program.loads(reference.address, call, &numbers) {
            groups.entry(call).or_default().push(*reference);
        }
    }
    groups
}

/// Where the engine's accessor finds the random.
fn elsewhere(program: &Program<'_>, row: &Row) -> Option<walk::Value> {
    if row.random_of.is_empty() {
        return None;
    }
    let (start, end) = program.image.function_at(program.image.exported(row.random_of)?)?;
    walk::handed_out(&program.instructions(start, end - start), &row.convention)
}

fn in_function(
    program: &Program<'_>,
    target: u64,
    (group, words): (&[Reference], &[Word]),
    convention: &Convention,
    elsewhere: Option<walk::Value>,
) -> Option<Anchor> {
    let is_proven = program.is_function(target)
        && group.iter().all(|reference| program.proven(reference.address).is_some());
    if !is_proven {
        return None;
    }
    let end = program.proven(target)?.1;
    let body = program.instructions(target, (end - target).min(BODY_BYTES));
    let spot = walk::spot(&body, convention, elsewhere)?;
    let (start, _) = program.proven(spot.address)?;
    (start <= target).then_some(())?;
    Some(Anchor {
        offset: program.image.offset_of(spot.address)?,
        code: code_at(program.image, spot.address, CODE_BYTES),
        is_emulated: spot.is_emulated,
        label: spot.label,
        labels: labels(spot.address, words.iter()),
        secret: spot.secret,
        length: Place::Register(spot.length),
        random: spot.random,
    })
}

fn at_call(
    program: &Program<'_>,
    call: u64,
    group: &[Reference],
    convention: &Convention,
) -> Option<Anchor> {
    let is_proven = program.proven(call).is_some()
        && group.iter().all(|reference| program.proven(reference.address).is_some());
    if !is_proven {
        return None;
    }
    Some(Anchor {
        offset: program.image.offset_of(call)?,
        code: code_at(program.image, call, CODE_BYTES),
        is_emulated: false,
        label: convention.label,
        labels: labels(call, group.iter().map(|reference| &reference.word)),
        secret: convention.secret,
        length: convention.length.map_or(Place::Stack(0), Place::Register),
        random: convention.random.map(|base| Random { base, through: None, offset: 0 }),
    })
}

/// The labels that open records, by their distance from the probe.
fn labels<'a>(probe: u64, words: impl Iterator<Item = &'a Word>) -> Vec<(i64, Label)> {
    let distance = |word: &Word| word.address.wrapping_sub(probe) as i64;
    let labelled = words.filter_map(|word| Some((distance(word), word.label()?)));
    let mut all: Vec<(i64, Label)> = labelled.collect();
    all.sort_unstable();
    all.dedup();
    all.truncate(LABELS_MAX);
    all
}
