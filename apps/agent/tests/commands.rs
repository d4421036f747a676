//! The shipped binary as people call it: exit codes, what is said where, and pipes that close.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;

/// The binary with nothing of this process's environment that could configure it.
fn redsight() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redsight"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("REDSIGHT_") {
            command.env_remove(name);
        }
    }
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

fn run(words: &str) -> Output {
    redsight().args(words.split_whitespace()).output().expect("the binary under test starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A port of this machine where nobody listens.
fn nobody() -> String {
    let probe = TcpListener::bind("127.0.0.1:0").expect("a free port");
    probe.local_addr().expect("it has an address").to_string()
}

#[test]
fn each_mistake_has_its_exit_code_and_says_what_is_wrong() {
    let nobody = nobody();
    let rows = [
        ("run --no-such-flag", 2, "--no-such-flag"),
        ("run --listen here", 2, "expected an address and port"),
        ("run --limits-cpu 200%", 2, "from 0.1% to 100%"),
        ("run --config /none/there.yaml", 78, "/none/there.yaml"),
        ("config check /none/there.yaml", 78, "cannot be read"),
        ("config check", 2, "FILE"),
        ("config", 2, "schema"),
        ("nonsense", 2, "nonsense"),
        ("tail servce=cart", 2, "did you mean service?"),
        ("tail latency>soon", 2, "latency"),
        ("tail p99>1s", 2, "p99"),
        ("tail --connect {nobody}", 1, "redsight run"),
        ("services --sort colour", 2, "colour"),
        ("services status=500", 2, "status"),
        ("services --connect {nobody}", 1, "no agent answers"),
        ("services -o yaml", 2, "table, json"),
        ("completions csh", 2, "bash"),
        ("replay", 2, "FILE"),
    ];
    for (words, code, says) in rows {
        let output = run(&words.replace("{nobody}", &nobody));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words}: {said}");
        assert!(said.contains(says), "{words}: {said}");
        assert!(!said.contains("panicked"), "{words}: {said}");
        assert!(output.stdout.is_empty(), "{words}: {}", text(&output.stdout));
    }
}

#[test]
fn a_filter_that_is_wrong_is_pointed_at() {
    let output = redsight().args(["tail", "service=cart", "statu>=500"]).output().expect("it runs");
    let said = text(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.get(1).copied(), Some("  service=cart statu>=500"), "{said}");
    assert_eq!(lines.get(2).map(|line| line.trim_end()), Some("               ^^^^^"), "{said}");
}

#[test]
fn settings_come_from_file_environment_and_flags_in_that_order() {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("redsight.yaml");
    let yaml = "listen: 127.0.0.1:${PORT:-7}\njson: /f\nlimits:\n  edges: 50\n  cpu: 1%\n";
    std::fs::write(&path, yaml).expect("the file can be written");
    let print = |words: &[&str]| {
        let mut command = redsight();
        command.args(["config", "print", "-o", "json", "--origin"]).args(words);
        command.env("REDSIGHT_CONFIG", &path).env("REDSIGHT_LIMITS__CPU", "off").env("PORT", "8");
        let output = command.output().expect("it runs");
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("it is JSON")
    };
    let all = print(&["--json", "-"]);
    let file = |line: usize| format!("{}:{line}", path.display());
    for (pointer, value, origin) in [
        ("/listen", "127.0.0.1:8", file(1)),
        ("/json", "-", "--json".to_owned()),
        ("/limits/cpu", "off", "REDSIGHT_LIMITS__CPU".to_owned()),
        ("/limits/edges", "50", file(4)),
        ("/limits/series", "50000", "default".to_owned()),
    ] {
        let found = all.pointer(pointer).expect("the setting is there");
        let shown = found["value"].to_string();
        assert_eq!(shown.trim_matches('"'), value, "{pointer}");
        assert_eq!(found["origin"], *origin, "{pointer}");
    }
}

#[test]
fn what_is_printed_as_yaml_is_a_configuration() {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("printed.yaml");
    let words = "config print --cgroup /a --host b --json c --limits-cpu 2.5% --limits-recent 2min";
    let printed = run(words);
    std::fs::write(&path, &printed.stdout).expect("the file can be written");
    let checked = redsight().args(["config", "check"]).arg(&path).output().expect("it runs");
    assert!(checked.status.success(), "{}\n{}", text(&printed.stdout), text(&checked.stderr));
    let mut again = redsight();
    let again = again.args(["config", "print", "--config"]).arg(&path).output().expect("it runs");
    let without_head = |output: &Output| {
        let text = text(&output.stdout);
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(without_head(&again), without_head(&printed));
}

#[test]
fn a_misspelt_variable_is_warned_of() {
    let output = redsight().args(["config", "print"]).env("REDSIGHT_LIMIT__CPU", "5%").output();
    let output = output.expect("it runs");
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("did you mean REDSIGHT_LIMITS__CPU?"), "{said}");
}

#[test]
fn help_schema_completions_and_manual_pages_are_printed() {
    for (words, says) in [
        ("--help", "Exit codes"),
        ("tail --help", "status>=500"),
        ("run --help", "REDSIGHT_LIMITS__CPU"),
        ("config schema", "additionalProperties"),
        ("protocols", "usual ports"),
        ("protocols -o json", "transports"),
        ("completions bash", "_redsight"),
        ("completions zsh", "#compdef redsight"),
        ("completions fish", "complete -c redsight"),
        ("man", ".TH redsight"),
        ("--version", env!("CARGO_PKG_VERSION")),
    ] {
        let output = run(words);
        let said = text(&output.stdout).to_lowercase();
        assert!(output.status.success(), "{words}: {}", text(&output.stderr));
        assert!(said.contains(&says.to_lowercase()), "{words}: {said}");
    }
    let folder = tempfile::tempdir().expect("a folder for the pages");
    let pages = redsight().arg("man").arg(folder.path()).output().expect("it runs");
    assert!(pages.status.success(), "{}", text(&pages.stderr));
    for page in ["redsight.1", "redsight-run.1", "redsight-tail.1", "redsight-config-print.1"] {
        assert!(folder.path().join(page).exists(), "{page}");
    }
}

#[test]
fn doctor_says_the_same_to_people_and_programs_and_judges_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("wrong.yaml");
    std::fs::write(&path, "listn: 1\n").expect("the file can be written");
    let doctor = |form: &str| {
        let mut command = redsight();
        command.args(["doctor", "--connect", &nobody(), "-o", form, "--config"]).arg(&path);
        command.output().expect("it runs")
    };
    let table = doctor("table");
    assert_eq!(table.status.code(), Some(1), "{}", text(&table.stderr));
    let findings: Vec<serde_json::Value> =
        serde_json::from_slice(&doctor("json").stdout).expect("it is JSON");
    let shown = text(&table.stdout);
    for finding in &findings {
        let name = finding["name"].as_str().expect("every finding has a name");
        assert!(shown.lines().any(|line| line.starts_with(name)), "{name}: {shown}");
    }
    let configuration = findings.iter().find(|line| line["name"] == "configuration");
    let configuration = configuration.expect("it is judged");
    assert_eq!(configuration["state"], "refused");
    assert!(configuration["detail"].to_string().contains("did you mean `listen`?"));
}

/// Serves each connection the next of `bodies`, the last one for ever.
fn agent_that_says(bodies: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has an address").to_string();
    thread::spawn(move || {
        let mut number = 0;
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            if stream.read(&mut head).unwrap_or(0) == 0 {
                continue;
            }
            let body = &bodies[number.min(bodies.len() - 1)];
            number += 1;
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {length}\r\n\r\n{body}"
            );
        }
    });
    address
}

/// An answer of `/api/v1/exchanges`.
fn answer(ids: std::ops::Range<u64>, missed: u64) -> String {
    let next = ids.end.saturating_sub(1);
    let rows: Vec<String> = ids
        .map(|id| {
            format!(
                "{{\"id\":{id},\"kind\":\"request\",\"protocol\":\"http1\",\"version\":\"1.1\",\
                 \"client\":\"127.0.0.1:1\",\"server\":\"127.0.0.1:2\",\"side\":\"both\",\
                 \"operation\":\"GET\",\"target\":\"/{id}\",\"status\":\"503\",\"error\":true,\
                 \"client_error\":false,\"start_us\":0,\"duration_us\":1500,\"ttfb_us\":null,\
                 \"request_bytes\":1,\"response_bytes\":2,\"tls\":null,\"incomplete\":null,\
                 \"service\":\"cart\",\"peer\":\"web\"}}"
            )
        })
        .collect();
    format!("{{\"rows\":[{}],\"next\":{next},\"missed\":{missed}}}", rows.join(","))
}

#[test]
fn tail_prints_lines_and_says_what_it_missed() {
    let bodies = vec![answer(1..1, 0), answer(1..1, 0), answer(1..4, 7)];
    let address = agent_that_says(bodies.clone());
    let words = ["tail", "-n", "3", "--color", "always", "--connect", &address];
    let output = redsight().args(words).output().expect("it runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.contains("\x1b[31m503"), "{lines}");
    assert!(lines.contains("web → cart") && lines.contains("1.50ms"), "{lines}");
    assert!(text(&output.stderr).contains("7 exchanges"), "{}", text(&output.stderr));

    let address = agent_that_says(bodies);
    let words = ["tail", "-n", "3", "--json", "--connect", &address];
    let output = redsight().args(words).output().expect("it runs");
    for line in text(&output.stdout).lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
        assert!(row.get("id").is_none() && row["service"] == "cart", "{line}");
    }
}

#[test]
fn tail_ends_cleanly_when_its_reader_is_gone() {
    let address = agent_that_says(vec![answer(1..1, 0), answer(1..1, 0), answer(1..2000, 0)]);
    let mut tail = redsight()
        .args(["tail", "--connect", &address])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut first = String::new();
    let mut reader = BufReader::new(tail.stdout.take().expect("it is piped"));
    reader.read_line(&mut first).expect("there is a line");
    drop(reader);
    let output = tail.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
}
