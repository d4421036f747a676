//! The settings, one row each. Everything else about them is derived from here.

use super::environment::PREFIX;
use super::kind::Kind;

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its key in the file; a dot separates section and name.
    pub key: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its default as one would write it; empty is nothing.
    pub default: &'static str,
    /// The flag of `run`, without its hyphens.
    pub flag: &'static str,
    /// The word for its value in help texts, where it is not that of the kind.
    metavariable: Option<&'static str>,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What else there is to know.
    pub detail: &'static str,
}

/// Every setting, in the order people read them.
pub(crate) static SETTINGS: &[Setting] = &[
    Setting {
        key: "cgroups",
        kind: Kind::Texts,
        default: "",
        flag: "cgroup",
        metavariable: Some("DIR"),
        summary: "Observe these cgroup v2 directories and their children only",
        detail: "Nothing outside of them is touched or probed. None: the whole host.",
    },
    Setting {
        key: "listen",
        kind: Kind::Address,
        default: "127.0.0.1:9464",
        flag: "listen",
        metavariable: None,
        summary: "Serve /metrics, /api/v1 and health here",
        detail: "There is no login: an address other than loopback shows every name to whoever \
                 reaches it.",
    },
    Setting {
        key: "hosts",
        kind: Kind::Texts,
        default: "",
        flag: "host",
        metavariable: Some("NAME"),
        summary: "Answer requests that call this server by these names too",
        detail: "`localhost`, loopback addresses and the address of `listen` are always answered; \
                 any other Host header is refused, so that a web page cannot read the numbers \
                 by DNS rebinding.",
    },
    Setting {
        key: "json",
        kind: Kind::Path,
        default: "",
        flag: "json",
        metavariable: None,
        summary: "Write every exchange as one JSON object per line; `-` is standard output",
        detail: "A writer that is too slow costs lines, which are counted, and never slows the \
                 agent.",
    },
    Setting {
        key: "ring_bytes",
        kind: Kind::Bytes(4096, 1 << 30),
        default: "8MiB",
        flag: "ring-bytes",
        metavariable: None,
        summary: "Memory for packets between kernel and agent; rounded up to a power of two",
        detail: "What finds it full is lost and counted. 8 MiB hold about 50 ms of the fullest \
                 load measured.",
    },
    Setting {
        key: "turn_budget_bytes",
        kind: Kind::Bytes(0, 16 << 20),
        default: "64KiB",
        flag: "turn-budget-bytes",
        metavariable: None,
        summary: "Bytes copied of what one end sends before the other answers",
        detail: "Bodies beyond are counted as skipped. It must hold the longest message head.",
    },
    Setting {
        key: "tls.enabled",
        kind: Kind::Switch("no-tls"),
        default: "on",
        flag: "tls",
        metavariable: None,
        summary: "Read TLS with secrets taken from the processes in scope",
        detail: "Off: nothing is looked for in any process, and sealed bytes are counted as such.",
    },
    Setting {
        key: "tls.cache",
        kind: Kind::Path,
        default: "/var/cache/redsight/tls",
        flag: "tls-cache",
        metavariable: Some("DIR"),
        summary: "Remember here where programs keep what is looked for, by build id",
        detail: "No secrets are written. The folder must be this user's alone, or it is not used.",
    },
    Setting {
        key: "tls.key_scan",
        kind: Kind::Switch("no-key-scan"),
        default: "on",
        flag: "key-scan",
        metavariable: None,
        summary: "Look for keys in the memory of processes whose connections stay sealed",
        detail: "Only processes in scope that own such a connection are read, at the lowest \
                 priority; nothing of their memory is kept but keys that open their own records.",
    },
    Setting {
        key: "tls.hooks",
        kind: Kind::Switch("no-tls-hooks"),
        default: "off",
        flag: "tls-hooks",
        metavariable: None,
        summary: "Where no key is found, read at the functions of the process's TLS library",
        detail: "Only in processes in scope whose connections stayed sealed after both other ways. \
                 Every call of such a function, and every time such a process sends or receives, \
                 is trapped: some microseconds each, which `doctor` adds up. Linux 6.12.",
    },
    Setting {
        key: "limits.cpu",
        kind: Kind::Share,
        default: "10%",
        flag: "limits-cpu",
        metavariable: None,
        summary: "Share of every core of this host that the agent may use, over a minute",
        detail: "10% of two cores is a fifth of one. Before the agent passes it, less of each \
                 turn is copied; `doctor`, health and coverage say so. `off`: no limit.",
    },
    Setting {
        key: "limits.connections",
        kind: Kind::Count(16, 10_000_000),
        default: "100000",
        flag: "limits-connections",
        metavariable: None,
        summary: "Live connections; more are refused and counted",
        detail: "",
    },
    Setting {
        key: "limits.services",
        kind: Kind::Count(16, 1_000_000),
        default: "10000",
        flag: "limits-services",
        metavariable: None,
        summary: "Services, peers known by address included, before new ones become `_other`",
        detail: "",
    },
    Setting {
        key: "limits.edges",
        kind: Kind::Count(16, 1_000_000),
        default: "20000",
        flag: "limits-edges",
        metavariable: None,
        summary: "Pairs of client and server before new ones are counted as coming from `_other`",
        detail: "",
    },
    Setting {
        key: "limits.endpoints",
        kind: Kind::Count(1, 1_000_000),
        default: "1000",
        flag: "limits-endpoints",
        metavariable: None,
        summary: "Endpoints of one service before new ones become `_other`",
        detail: "",
    },
    Setting {
        key: "limits.series",
        kind: Kind::Count(16, 10_000_000),
        default: "50000",
        flag: "limits-series",
        metavariable: None,
        summary: "Series (edge × endpoint × outcome) before new ones share one per server",
        detail: "",
    },
    Setting {
        key: "limits.recent",
        kind: Kind::Seconds(10, 3600),
        default: "60s",
        flag: "limits-recent",
        metavariable: None,
        summary: "How far back a window can reach",
        detail: "A window asked for that is longer gives what there is.",
    },
    Setting {
        key: "limits.recent_bytes",
        kind: Kind::Bytes(1 << 20, 4 << 30),
        default: "16MiB",
        flag: "limits-recent-bytes",
        metavariable: None,
        summary: "Memory of the recent windows; when it is full, the oldest go early",
        detail: "",
    },
];

impl Setting {
    /// The setting of that key.
    pub(crate) fn of(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The environment variable: `REDSIGHT_`, sections joined by two underscores.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.replace('.', "__").to_uppercase())
    }

    /// The word for its value.
    pub(crate) fn metavariable(&self) -> &'static str {
        self.metavariable.unwrap_or(self.kind.metavariable())
    }

    /// The default in words.
    pub(crate) const fn default_in_words(&self) -> &'static str {
        if self.default.is_empty() { "none" } else { self.default }
    }
}
