//! Which program, section or library means which language, and where its version stands: data.
//!
//! Languages are spelled as `telemetry.sdk.language` where OpenTelemetry has a word for them:
//! <https://opentelemetry.io/docs/specs/semconv/registry/attributes/telemetry/>.

/// What shows that a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The program's file is called so, with or without a version behind it.
    Program(&'static [&'static str]),
    /// The program's file has this section.
    Section(&'static str),
    /// A file whose name begins so is mapped.
    Library(&'static str),
}

/// Where a version stands. The library of a rule is looked at before the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionIn {
    /// In the file's own name.
    Name,
    /// In a folder above it that holds a whole version.
    Folders,
    /// Behind this text in its path.
    Folder(&'static str),
    /// Behind this text among its constants.
    Text(&'static str),
    /// The version of its name is a constant too, there with its patch.
    Patch,
    /// In the file `release` of the Java home, with the vendor.
    Release,
}
use VersionIn::{Folder, Folders, Name, Patch, Release, Text};

/// One language and runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// When it applies.
    pub sign: Sign,
    /// The language; empty if the program's own file has to tell.
    pub language: &'static str,
    /// The runtime.
    pub runtime: &'static str,
    /// Name of the library that the runtime may be in, up to its version.
    pub library: &'static str,
    /// Where its version may stand, the cheapest first.
    pub versions: &'static [VersionIn],
}

/// What every row starts from.
const PLAIN: Rule =
    Rule { sign: Sign::Program(&[]), language: "", runtime: "", library: "", versions: &[] };

/// Servers that load interpreters for their own ends: a mapped library says nothing about them.
const HOSTS: &[&str] = &[
    "collectd",
    "dovecot",
    "exim4",
    "freeradius",
    "gdb",
    "irssi",
    "named",
    "nginx",
    "postgres",
    "postmaster",
    "slapd",
    "snmpd",
    "unbound",
    "vim",
    "weechat",
    "zabbix_agentd",
    "zabbix_server",
];

/// Every rule, the surest sign first; the first that applies wins.
pub const RULES: &[Rule] = &[
    Rule { sign: Sign::Section(".svm_heap"), language: "java", runtime: "native-image", ..PLAIN },
    Rule {
        sign: Sign::Section("__managedcode"),
        language: "dotnet",
        runtime: "native-aot",
        ..PLAIN
    },
    Rule { sign: Sign::Section(".bun"), ..BUN },
    Rule { sign: Sign::Section(".bun_builtins"), ..BUN },
    Rule { sign: Sign::Program(&["python"]), library: "libpython", ..PYTHON },
    Rule {
        sign: Sign::Program(&["pypy"]),
        language: "python",
        runtime: "pypy",
        library: "libpypy",
        versions: &[Folders, Name],
    },
    Rule { sign: Sign::Program(&["node", "nodejs"]), ..NODE },
    Rule { sign: Sign::Program(&["bun", "bunx"]), ..BUN },
    Rule {
        sign: Sign::Program(&["deno"]),
        language: "nodejs",
        runtime: "deno",
        versions: &[Text("Deno/"), Folders],
        ..PLAIN
    },
    Rule { sign: Sign::Program(&["java", "jsvc"]), ..JAVA },
    Rule { sign: Sign::Program(&["ruby"]), ..RUBY },
    Rule { sign: Sign::Program(&["php", "php-fpm", "php-cgi", "php-cli"]), ..PHP },
    Rule { sign: Sign::Program(&["perl"]), ..PERL },
    Rule { sign: Sign::Program(&["dotnet"]), ..DOTNET },
    Rule { sign: Sign::Program(&["mono", "mono-sgen"]), ..MONO },
    Rule {
        sign: Sign::Program(&["beam", "beam.smp"]),
        language: "erlang",
        runtime: "beam",
        versions: &[Folder("/erts-")],
        ..PLAIN
    },
    Rule { sign: Sign::Program(&["lua"]), ..LUA },
    Rule {
        sign: Sign::Program(&["luajit"]),
        language: "lua",
        runtime: "luajit",
        versions: &[Name, Text("LuaJIT ")],
        ..PLAIN
    },
    Rule { sign: Sign::Program(&["bash"]), language: "shell", runtime: "bash", ..PLAIN },
    Rule { sign: Sign::Program(&["dash"]), language: "shell", runtime: "dash", ..PLAIN },
    Rule { sign: Sign::Program(&["zsh"]), language: "shell", runtime: "zsh", ..PLAIN },
    Rule { sign: Sign::Program(HOSTS), ..PLAIN },
    Rule { sign: Sign::Library("libjvm.so"), ..JAVA },
    Rule { sign: Sign::Library("libcoreclr.so"), ..DOTNET },
    // A program in one file has the runtime in itself, which maps its code twice.
    Rule { sign: Sign::Library("memfd:doublemapper"), ..DOTNET },
    Rule { sign: Sign::Library("libmonosgen"), ..MONO },
    Rule { sign: Sign::Library("libnode.so"), ..NODE },
    Rule { sign: Sign::Library("libswiftCore.so"), language: "swift", runtime: "swift", ..PLAIN },
    // Apache and uWSGI load the language they serve; others are linked with it.
    Rule { sign: Sign::Library("libphp"), ..PHP },
    Rule { sign: Sign::Library("libpython"), ..PYTHON },
    Rule { sign: Sign::Library("libruby"), ..RUBY },
    Rule { sign: Sign::Library("libperl.so"), ..PERL },
];

const PYTHON: Rule = Rule {
    language: "python",
    runtime: "cpython",
    library: "libpython",
    versions: &[Patch, Folders, Name],
    ..PLAIN
};
const NODE: Rule = Rule {
    language: "nodejs",
    runtime: "node",
    library: "libnode.so",
    versions: &[Text("node.js/v"), Folders],
    ..PLAIN
};
const BUN: Rule =
    Rule { language: "nodejs", runtime: "bun", versions: &[Text("Bun v"), Folders], ..PLAIN };
const JAVA: Rule = Rule {
    language: "java",
    runtime: "hotspot",
    library: "libjvm.so",
    versions: &[Release],
    ..PLAIN
};
const RUBY: Rule = Rule {
    language: "ruby",
    runtime: "cruby",
    library: "libruby",
    versions: &[Name, Folders],
    ..PLAIN
};
const PHP: Rule = Rule {
    language: "php",
    runtime: "php",
    library: "libphp",
    versions: &[Text("X-Powered-By: PHP/"), Name],
    ..PLAIN
};
const PERL: Rule = Rule {
    language: "perl",
    runtime: "perl",
    library: "libperl.so",
    versions: &[Name, Text("/share/perl/"), Text("/perl5/"), Folders],
    ..PLAIN
};
const DOTNET: Rule = Rule {
    language: "dotnet",
    runtime: "coreclr",
    library: "libcoreclr.so",
    versions: &[Folder("/Microsoft.NETCore.App/")],
    ..PLAIN
};
const MONO: Rule = Rule { language: "dotnet", runtime: "mono", library: "libmonosgen", ..PLAIN };
const LUA: Rule =
    Rule { language: "lua", runtime: "lua", versions: &[Text("Lua "), Name], ..PLAIN };

/// Text that only a program of one language has among its constants, with what must follow it.
pub const MARKS: &[(&str, Mark)] = &[
    ("/rustc/", Mark::RustHash),
    ("/rustc-", Mark::RustVersion),
    ("/registry/src/index.crates.io-", Mark::Rust),
    ("/registry/src/github.com-", Mark::Rust),
    ("St9bad_alloc", Mark::Cpp),
    ("St9exception", Mark::Cpp),
];

/// What a text of [`MARKS`] means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Rust's own sources as release builds name them: a commit follows.
    RustHash,
    /// The same as distributions name them: a version follows.
    RustVersion,
    /// Sources of a Rust package.
    Rust,
    /// A type of C++'s library, linked into the program.
    Cpp,
}
