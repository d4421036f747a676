//! The shipped binary on real captures: the lines it prints, the ledger it keeps, what it refuses.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use testkit::pcap::{Conversation, PcapFile};

/// LINKTYPE_RAW: packets begin with the IP header.
const RAW_IP: u32 = 101;

fn redsight(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_redsight"))
        .args(arguments)
        .output()
        .expect("the binary under test starts")
}

/// Replays a capture with the secrets that lie beside it, if any do.
fn replayed(capture: &Path, arguments: &[&str]) -> Output {
    let (keys, capture) = (format!("{}.keys", capture.display()), capture.to_string_lossy());
    let mut all = vec!["replay", &capture];
    if Path::new(&keys).is_file() {
        all.extend(["--keylog", &keys]);
    }
    all.extend(arguments);
    redsight(&all)
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let is_capture = |path: &PathBuf| {
        path.extension().is_some_and(|e| e == "pcap" || e == "pcapng" || e == "gz")
    };
    let mut all: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|f| f.path()).collect();
    all.retain(is_capture);
    all.sort();
    all
}

fn text(output: &[u8]) -> &str {
    std::str::from_utf8(output).expect("the binary prints UTF-8")
}

/// The last line of the report: `seen = parsed + skipped + lost + sealed + unknown`, as numbers.
fn ledger(report: &str) -> (u64, Vec<u64>) {
    let (_, account) = report.rsplit_once("LEDGER").expect("the report ends with the ledger");
    let start = account.rfind(" bytes seen").expect("the sum is there");
    let number = |text: &str| text.trim().rsplit(['\n', ' ']).next().and_then(|n| n.parse().ok());
    let seen = number(&account[..start]).expect("bytes seen is a number");
    let parts = account[start..].split(['=', '+']).skip(1);
    let parts = parts.filter_map(|part| part.split_whitespace().next()?.parse().ok());
    (seen, parts.collect())
}

#[test]
fn recorded_captures_give_the_lines_expected() {
    let all = captures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"));
    assert!(all.len() >= 7, "the captures are there");
    for capture in all {
        let output = replayed(&capture, &["--json", "--raw"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let expected = capture.with_extension("ndjson");
        if env::var_os("BLESS").is_some() {
            fs::write(&expected, &output.stdout).expect("the expectation can be written");
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        assert!(text(&output.stdout) == wanted, "{} differs; see BLESS", expected.display());
    }
}

#[test]
fn without_raw_no_literal_or_query_string_is_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for capture in captures(&folder) {
        let output = replayed(&capture, &["--json"]);
        let lines = text(&output.stdout);
        assert!(!lines.contains("wire_"), "{}", capture.display());
        for secret in ["?q=", "'pw'", "MY err", "no_such_value"] {
            assert!(!lines.contains(secret), "{} prints {secret}", capture.display());
        }
    }
}

#[test]
fn the_ledger_of_every_capture_adds_up() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = root.join("../../../shared/captures");
    let mut all = captures(&root.join("tests/cases"));
    if shared.is_dir() {
        all.extend(captures(&shared));
    } else {
        eprintln!("skipped in part: no ../shared/captures beside this repository");
    }
    for capture in all {
        for output in [redsight(&["replay", &capture.to_string_lossy()]), replayed(&capture, &[])] {
            assert!(output.status.success(), "{}: {}", capture.display(), text(&output.stderr));
            let (seen, parts) = ledger(text(&output.stdout));
            assert_eq!(parts.len(), 5, "{}", capture.display());
            assert_eq!(seen, parts.iter().sum::<u64>(), "{}", capture.display());
        }
    }
}

#[test]
fn a_truncated_capture_gives_what_it_holds_and_a_warning() {
    let (client, server) = ("10.0.0.1:40000", "10.0.0.2:80");
    let address = |text: &str| text.parse().expect("an address");
    let mut talk = Conversation::new(address(client), address(server));
    talk.open().client(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    talk.server(b"HTTP/1.1 204 No Content\r\n\r\n").close();
    let mut file = PcapFile::new(RAW_IP);
    for (number, packet) in talk.packets().iter().enumerate() {
        file.packet(1_700_000_000_000_000_000 + number as u64 * 1_000_000, packet);
    }
    let whole = file.into_bytes();
    let folder = tempfile::tempdir().expect("a folder for the capture");
    let path = folder.path().join("cut.pcap");
    fs::write(&path, &whole[..whole.len() - 7]).expect("the capture can be written");
    let output = redsight(&["replay", &path.to_string_lossy(), "--json"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(text(&output.stderr).contains("warning: at byte"), "{}", text(&output.stderr));
}

#[test]
fn what_is_no_capture_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder for the files");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("the file can be written");
        path.to_string_lossy().into_owned()
    };
    for (path, reason) in [
        (file("text.pcap", b"hello, this is text\n"), "not a capture"),
        (file("empty.pcap", b""), "empty"),
        (folder.path().to_string_lossy().into_owned(), "director"),
        (folder.path().join("none").to_string_lossy().into_owned(), "no such file"),
    ] {
        let output = redsight(&["replay", &path]);
        assert_eq!(output.status.code(), Some(1), "{path}");
        assert!(text(&output.stderr).contains(reason), "{path}: {}", text(&output.stderr));
    }
    assert_eq!(redsight(&["replay"]).status.code(), Some(2), "a missing argument is a usage error");
}

#[test]
fn secrets_are_read_or_refused_with_a_reason_and_never_repeated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let capture = folder.join("redis-rec-tls13.pcap");
    let capture = capture.to_string_lossy();
    let made = tempfile::tempdir().expect("a folder for the files");
    let broken = made.path().join("broken.keys");
    fs::write(&broken, b"CLIENT_RANDOM abcdef 012345\n").expect("the file can be written");
    for (keys, reason) in [
        (broken.to_string_lossy().into_owned(), "is no key log"),
        (made.path().join("none").to_string_lossy().into_owned(), "cannot read the key log"),
        (capture.clone().into_owned(), "is no key log"),
    ] {
        let output = redsight(&["replay", &capture, "--keylog", &keys]);
        assert_eq!(output.status.code(), Some(1), "{keys}");
        assert!(text(&output.stderr).contains(reason), "{keys}: {}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("012345"));
    }
    // Without the secrets, what is said stays sealed; the handshake is seen.
    let output = redsight(&["replay", &capture, "--json"]);
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(lines.iter().all(|line| line.contains("\"protocol\":\"tls\"")));
    let keys = fs::read_to_string(format!("{capture}.keys")).expect("the secrets are there");
    let output = redsight(&["replay", &capture, "--keylog", &format!("{capture}.keys"), "--raw"]);
    for secret in keys.lines().filter_map(|line| line.split(' ').nth(2)) {
        assert!(!text(&output.stdout).contains(secret) && !text(&output.stderr).contains(secret));
    }
}
