//! Programs that only start another one: what follows them is the service.
//!
//! Most of them become the other program; some stay as its parent, some hold it in the same
//! process (`bundle exec`, `ddtrace-run` until its exec). Each is a row.

use super::words::last_part;

/// How the command of one family of wrappers is found.
struct Wrapper {
    programs: &'static [&'static str],
    /// Flags whose value is the next word.
    valued: &'static [&'static str],
    /// Flags whose value is the command as one text for a shell.
    text: &'static [&'static str],
    /// Words of which one must come before the command; none if there is no such word.
    verbs: &'static [&'static str],
    /// Words between the flags and the command.
    operands: usize,
}

/// What every row starts from.
const PLAIN: Wrapper = Wrapper { programs: &[], valued: &[], text: &[], verbs: &[], operands: 0 };

const fn plain(programs: &'static [&'static str]) -> Wrapper {
    Wrapper { programs, ..PLAIN }
}

const WRAPPERS: &[Wrapper] = &[
    // The first process of a container.
    Wrapper { valued: &["-p", "-e"], ..plain(&["tini", "tini-static", "docker-init"]) },
    Wrapper { valued: &["-r", "--rewrite"], ..plain(&["dumb-init"]) },
    plain(&["catatonit", "pid1", "with-contenv", "multirun"]),
    // Another user, other rights.
    Wrapper {
        valued: &[
            "-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D",
            "--chdir", "-R", "--chroot", "-r", "-t", "-T", "-U",
        ],
        ..plain(&["sudo", "doas"])
    },
    Wrapper {
        valued: &["-u", "--user", "-g", "--group", "-G", "-s", "--shell", "-w"],
        text: &["-c", "--command"],
        ..plain(&["runuser"])
    },
    Wrapper { text: &["-c", "--command"], operands: usize::MAX, ..plain(&["su"]) },
    Wrapper { operands: 1, ..plain(&["gosu", "su-exec", "setuidgid", "s6-setuidgid"]) },
    Wrapper {
        valued: &[
            "--reuid",
            "--regid",
            "--ruid",
            "--euid",
            "--rgid",
            "--egid",
            "--groups",
            "--inh-caps",
            "--ambient-caps",
            "--bounding-set",
            "--securebits",
            "--pdeathsig",
            "--selinux-label",
            "--apparmor-profile",
        ],
        ..plain(&["setpriv", "capsh"])
    },
    Wrapper {
        valued: &[
            "-u", "-U", "-b", "-e", "-/", "-C", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f",
            "-c", "-r", "-t",
        ],
        ..plain(&["chpst", "softlimit", "s6-softlimit"])
    },
    Wrapper { operands: 1, ..plain(&["envdir", "s6-envdir", "envuidgid", "chroot", "fghack"]) },
    // Another environment.
    Wrapper {
        valued: &["-u", "--unset", "-C", "--chdir"],
        text: &["-S", "--split-string"],
        ..plain(&["env"])
    },
    // Other limits and places.
    Wrapper { valued: &["-n", "--adjustment"], ..plain(&["nice"]) },
    Wrapper { valued: &["-c", "-n", "-p", "--class", "--classdata"], ..plain(&["ionice"]) },
    Wrapper {
        valued: &[
            "-m",
            "--membind",
            "-N",
            "--cpunodebind",
            "-C",
            "--physcpubind",
            "-i",
            "--interleave",
            "-p",
            "--preferred",
        ],
        ..plain(&["numactl"])
    },
    Wrapper { operands: 1, ..plain(&["taskset", "chrt", "setlock", "flock", "cpulimit"]) },
    Wrapper {
        valued: &["-k", "--kill-after", "-s", "--signal"],
        operands: 1,
        ..plain(&["timeout"])
    },
    Wrapper { valued: &["-i", "-o", "-e"], ..plain(&["stdbuf"]) },
    Wrapper { valued: &["-g"], ..plain(&["cgexec"]) },
    Wrapper {
        valued: &["-p", "--property", "-u", "--unit", "--slice", "--uid", "--gid", "-E", "-M"],
        ..plain(&["systemd-run"])
    },
    Wrapper { valued: &["--what", "--who", "--why", "--mode"], ..plain(&["systemd-inhibit"]) },
    Wrapper {
        valued: &["-t", "--target", "-S", "-G", "--setuid", "--setgid"],
        ..plain(&["nsenter", "unshare"])
    },
    plain(&[
        "nohup",
        "setsid",
        "setarch",
        "linux32",
        "linux64",
        "prlimit",
        "time",
        "eatmydata",
        "fakeroot",
        "unbuffer",
        "torsocks",
        "proxychains",
        "proxychains4",
        "dbus-run-session",
        "dbus-launch",
        "xvfb-run",
        "catchsegv",
        "command",
        "exec",
        "pgrphack",
    ]),
    Wrapper { operands: 1, ..plain(&["faketime"]) },
    // Observers and emulators.
    Wrapper {
        valued: &["-o", "-e", "-s", "-p", "-E", "-u", "-a", "-P"],
        ..plain(&["strace", "ltrace"])
    },
    plain(&["valgrind"]),
    Wrapper {
        valued: &["-L", "-E", "-U", "-cpu", "-0", "-r", "-B", "-s", "-R"],
        ..plain(&["qemu"])
    },
    plain(&["box64", "box86", "FEXInterpreter", "wine", "wine64"]),
    Wrapper {
        valued: &["--library-path", "--preload", "--audit", "--inhibit-rpath", "--argv0"],
        ..plain(&["ld-linux", "ld-musl"])
    },
    // Tools of languages.
    plain(&["ddtrace-run", "opentelemetry-instrument", "splunk-py-trace"]),
    Wrapper { verbs: &["run"], valued: &["--rcfile", "--source"], ..plain(&["coverage"]) },
    Wrapper { verbs: &["run-program", "run-python"], ..plain(&["newrelic-admin"]) },
    Wrapper {
        verbs: &["run", "exec"],
        valued: &[
            "-C",
            "--directory",
            "-p",
            "--project",
            "--package",
            "--python",
            "--with",
            "-n",
            "--name",
            "--env-file",
            "-e",
        ],
        ..plain(&[
            "poetry",
            "pipenv",
            "uv",
            "pdm",
            "hatch",
            "rye",
            "conda",
            "mamba",
            "micromamba",
            "dotenv",
            "doppler",
            "op",
            "infisical",
            "rbenv",
            "pyenv",
            "asdf",
            "mise",
            "honcho",
            "carton",
        ])
    },
    Wrapper { verbs: &["exec"], ..plain(&["bundle", "bundler", "bundle3", "bundler3"]) },
    Wrapper { verbs: &["exec"], operands: 1, ..plain(&["chamber", "aws-vault"]) },
    Wrapper {
        valued: &[
            "-r",
            "--require",
            "-P",
            "--project",
            "-O",
            "--tsconfig",
            "--ignore",
            "-w",
            "--watch",
            "-e",
            "--ext",
            "-x",
            "--exec",
            "--import",
        ],
        ..plain(&[
            "nodemon",
            "ts-node",
            "ts-node-dev",
            "tsx",
            "babel-node",
            "esr",
            "swc-node",
            "cross-env",
            "dotenvx",
            "node-dev",
            "npx",
        ])
    },
];

/// The command a wrapper starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrapped<'w, 'a> {
    /// Words of it.
    Words(&'w [&'a str]),
    /// One text for a shell.
    Text(&'a str),
}

/// What `program` starts by these arguments, if it is a wrapper.
pub(super) fn unwrapped<'w, 'a>(program: &str, words: &'w [&'a str]) -> Option<Wrapped<'w, 'a>> {
    let program = family(program);
    let row = WRAPPERS.iter().find(|row| row.programs.contains(&program))?;
    let mut operands = row.operands;
    let mut verb_is_due = !row.verbs.is_empty();
    let mut at = 0;
    while let Some(&word) = words.get(at) {
        at += 1;
        if word == "--" {
            if verb_is_due {
                return None;
            }
            return words.get(at..).filter(|rest| !rest.is_empty()).map(Wrapped::Words);
        }
        if word.len() > 1 && word.starts_with('-') {
            if row.text.contains(&word) {
                return words.get(at).copied().map(Wrapped::Text);
            }
            at += usize::from(takes_value(row, word));
        } else if is_assignment(word) || word == "-" {
            // `sudo A=1 program`, `su - bob`.
        } else if verb_is_due {
            if !row.verbs.contains(&word) {
                return None;
            }
            verb_is_due = false;
        } else if operands > 0 {
            operands -= 1;
        } else {
            return words.get(at - 1..).map(Wrapped::Words);
        }
    }
    None
}

/// The name under which a program stands in the table.
fn family(program: &str) -> &str {
    let file = last_part(program);
    for prefix in ["qemu-", "ld-linux", "ld-musl"] {
        let is_system = file.starts_with("qemu-system") || file.starts_with("qemu-img");
        if file.starts_with(prefix) && !is_system {
            return prefix.trim_end_matches('-');
        }
    }
    file
}

/// True for a flag of the list, alone or as the last letter of a cluster such as `-Eu`.
fn takes_value(row: &Wrapper, word: &str) -> bool {
    if row.valued.contains(&word) {
        return true;
    }
    let is_cluster = !word.starts_with("--")
        && word.len() > 2
        && word.bytes().skip(1).all(|byte| byte.is_ascii_alphabetic());
    let last = word.chars().last();
    is_cluster && row.valued.iter().any(|flag| flag.len() == 2 && flag.chars().last() == last)
}

/// `NAME=value`, which may stand before a command.
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}
