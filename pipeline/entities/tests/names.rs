//! Names as data: `cases/*.txt` say what is known of a process, and the name that it must get.
//!
//! A block is a process; blocks are parted by an empty line. A block without `is` says what holds
//! for all blocks below it in the file.
//!
//! ```text
//! exe /usr/bin/python3.11          its program file
//! run python3 -m http.server 80    its arguments; one in quotes may hold blanks
//! title gunicorn: master [shop]    a title over its arguments
//! comm gunicorn                    its command name; the program's name if not said
//! cwd /srv/shop                    its working directory
//! env NAME=value                   one variable
//! unit shop.service                its systemd unit
//! file /srv/a = text\n             a file it sees
//! jar /srv/a.jar!inner = text      a file in an archive it sees
//! is shop (gunicorn name)          what it is called, and why
//! also cart, orders                other names
//! within eu                        its namespace
//! instance i-1                     its own instance id
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use entities::resolve::{self, Named};
use entities::{Environment, Files, Process};
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Lines of a block that describe the process or what is expected.
type Lines<'a> = Vec<(&'a str, &'a str)>;

/// Files of one process.
#[derive(Default)]
struct Tree(BTreeMap<PathBuf, Vec<u8>>);

impl Files for Tree {
    fn read(&self, path: &Path) -> Option<String> {
        String::from_utf8(self.0.get(path)?.clone()).ok()
    }

    fn list(&self, folder: &Path) -> Vec<String> {
        let inner = self.0.keys().filter_map(|path| path.strip_prefix(folder).ok());
        let names = inner.filter_map(|path| path.iter().next()?.to_str());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.dedup();
        names
    }

    fn part(&self, path: &Path, offset: i64, length: usize) -> Option<(Vec<u8>, u64)> {
        let bytes = self.0.get(path)?;
        let from_end = bytes.len().saturating_sub(offset.unsigned_abs() as usize);
        let start = usize::try_from(offset).unwrap_or(from_end);
        let end = bytes.len().min(start + length);
        Some((bytes.get(start..end)?.to_vec(), bytes.len() as u64))
    }
}

/// An archive of packed entries, as `jar` writes one.
fn archive(entries: &[(&str, String)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in entries {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
        packer.write_all(text.as_bytes()).expect("memory");
        let packed = packer.finish().expect("memory");
        let offset = bytes.len() as u32;
        let sizes = [0, packed.len() as u32, text.len() as u32];
        let mut fields: Vec<u8> = [20, 0, 8, 0, 0].map(u16::to_le_bytes).concat();
        fields.extend(sizes.map(u32::to_le_bytes).concat());
        fields.extend((name.len() as u16).to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&fields);
        bytes.extend([0; 2]);
        bytes.extend(name.as_bytes());
        bytes.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&fields);
        directory.extend([0; 12]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = bytes.len() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].concat());
    bytes.extend([directory.len() as u32, start].map(u32::to_le_bytes).concat());
    bytes.extend([0; 2]);
    bytes
}

/// Words parted by blanks, those in single quotes whole.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in text.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    words
}

/// `place = text`, with `\n` for the end of a line.
fn content(value: &str) -> (&str, String) {
    let (place, text) = value.split_once(" =").unwrap_or((value, ""));
    (place.trim(), text.trim_start().replace("\\n", "\n"))
}

fn named(lines: &Lines<'_>) -> Named {
    let (mut tree, mut jars) = (Tree::default(), BTreeMap::<&str, Vec<(&str, String)>>::new());
    let (mut process, mut environment) = (Process::default(), Vec::new());
    process.directory = "/".into();
    for &(key, value) in lines {
        let owned = value.to_owned();
        match key {
            "exe" => process.executable = if value == "-" { String::new() } else { owned },
            "run" => process.argv = words(value),
            "title" => process.argv = vec![owned],
            "comm" => process.command = owned,
            "cwd" => process.directory = owned,
            "env" => environment.push(value),
            "unit" => process.unit = owned,
            "go" => process.runtime.program = owned,
            "file" => {
                let (path, text) = content(value);
                tree.0.insert(path.into(), text.into_bytes());
            }
            "jar" => {
                let (place, text) = content(value);
                let (path, inner) = place.split_once('!').expect("an entry after `!`");
                jars.entry(path).or_default().push((inner, text));
            }
            "is" | "also" | "within" | "instance" => {}
            _ => panic!("unknown word {key}"),
        }
    }
    tree.0.extend(jars.iter().map(|(path, entries)| (PathBuf::from(path), archive(entries))));
    process.environment = Environment::from_block(environment.join("\0").as_bytes());
    if process.command.is_empty() {
        let file = process.executable.rsplit('/').next().unwrap_or_default();
        process.command = file.chars().take(15).collect();
    }
    resolve::name(&process, &tree)
}

/// What is wrong with the name of one block.
fn fault(lines: &Lines<'_>) -> Option<String> {
    let last = |wanted: &str| lines.iter().rfind(|(key, _)| *key == wanted).map(|(_, v)| *v);
    let named = named(lines);
    let said = [
        ("is", format!("{} ({})", named.name, named.reason)),
        ("also", named.aliases.join(", ")),
        ("within", named.namespace.clone()),
        ("instance", named.instance.unwrap_or_default()),
    ];
    let wrong: Vec<String> = said
        .into_iter()
        .filter(|(key, got)| last(key).unwrap_or_default() != got)
        .map(|(key, got)| format!("{key} {got}"))
        .collect();
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

/// Calls `each` with the file, the text of the block and all of its lines.
fn blocks(mut each: impl FnMut(&Path, &str, &Lines<'_>)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let entries = fs::read_dir(folder).expect("the folder of cases");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in &paths {
        let text = fs::read_to_string(path).expect("a file of cases");
        let mut shared = Lines::new();
        for block in text.split("\n\n") {
            let lines = block.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            let own = lines.map(|line| line.split_once(' ').expect("a word and its value"));
            let own: Lines<'_> = own.collect();
            if own.iter().any(|(key, _)| *key == "is") {
                each(path, block, &shared.iter().chain(&own).copied().collect());
            } else {
                shared = own;
            }
        }
    }
}

#[test]
fn every_process_of_the_cases_gets_its_name() {
    let (mut count, mut faults) = (0, String::new());
    blocks(|path, block, lines| {
        count += 1;
        if let Some(fault) = fault(lines) {
            faults += &format!("\n{}:\n{}\ngot {fault}\n", path.display(), block.trim());
        }
    });
    println!("{count} cases");
    assert!(faults.is_empty(), "{faults}");
    assert!(count >= 150, "only {count} cases");
}

#[test]
fn a_line_that_is_cut_anywhere_still_gives_a_name() {
    blocks(|_, _, lines| {
        for (at, &(key, value)) in lines.iter().enumerate() {
            let ends = (0..value.len()).step_by(5).filter(|&end| value.is_char_boundary(end));
            for end in ends {
                // An archive is written whole: its bytes are cut below.
                if key == "jar" && !value[..end].contains('!') {
                    continue;
                }
                let mut cut = lines.clone();
                cut[at] = (key, &value[..end]);
                assert!(!named(&cut).name.is_empty(), "{key} {}", &value[..end]);
            }
        }
    });
}

#[test]
fn a_damaged_archive_is_survived() {
    let text = "spring.application.name=orders\n";
    let entries = [("a", String::new()), ("BOOT-INF/classes/application.properties", text.into())];
    let whole = archive(&entries);
    let mut process =
        Process { directory: "/".into(), command: "java".into(), ..Process::default() };
    process.argv = words("java -jar /srv/shop.jar");
    let mut tree = Tree::default();
    let mut named = |bytes: &[u8]| {
        tree.0.insert("/srv/shop.jar".into(), bytes.to_vec());
        resolve::name(&process, &tree).name
    };
    assert_eq!(named(&whole), "orders");
    for at in 0..whole.len() {
        named(&whole[..at]);
        let mut damaged = whole.clone();
        for value in [0, 1, 0x7F, 0xFF] {
            damaged[at] = value;
            named(&damaged);
        }
    }
}
