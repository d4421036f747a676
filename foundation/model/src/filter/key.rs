//! What a filter can ask about: one table, from which parser, errors and `docs/filters.md` are
//! made.

/// What kind of rows a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// [`crate::view::ExchangeRow`].
    Exchanges,
    /// [`crate::view::ServiceRow`].
    Services,
    /// [`crate::view::EdgeRow`].
    Edges,
    /// [`crate::view::EndpointRow`] of a service.
    Endpoints,
}

impl Rows {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Exchanges, Self::Services, Self::Edges, Self::Endpoints];

    /// As people call them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exchanges => "exchanges",
            Self::Services => "services",
            Self::Edges => "edges",
            Self::Endpoints => "endpoints",
        }
    }
}

/// What sort of value a key has; it decides which operators and values are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Any text.
    Text,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `ip:port`, or a name; the address and the port can be asked for alone.
    Address,
    /// A status: a number, a class such as `5xx`, or a name.
    Status,
    /// True or false.
    Flag,
    /// A time span, compared in microseconds.
    Duration,
    /// An amount of bytes.
    Bytes,
    /// A count or a rate.
    Number,
    /// A share, 0 to 1 or in percent.
    Share,
}

impl Sort {
    /// What a value looks like, for an error and for the page.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text; `*` stands for any characters",
            Self::Choice(_) => "one of a few words",
            Self::Address => "an address, a port, or both: 10.0.0.1, 6379, 10.0.0.1:6379",
            Self::Status => "a status such as 200, 5xx or NOT_FOUND",
            Self::Flag => "true or false",
            Self::Duration => "a duration such as 100ms (units ns, us, µs, ms, s, m, h)",
            Self::Bytes => "a size such as 64KiB (units B, KB, MB, GB, KiB, MiB, GiB)",
            Self::Number => "a number such as 100 or 2.5k",
            Self::Share => "a share such as 5% or 0.05",
        }
    }

    /// True if a bare word is looked for in values of this sort.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Choice(_) | Self::Address | Self::Status)
    }
}

/// Everything that is known of a key.
#[derive(Debug)]
pub struct About {
    /// The key.
    pub key: Key,
    /// How it is written.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// Sort of its values.
    pub sort: Sort,
    /// Which rows have it.
    pub rows: &'static [Rows],
    /// What it is, for the page.
    pub help: &'static str,
}

macro_rules! keys {
    ($(
        $(#[doc = $help:literal])+
        $key:ident $name:literal $aliases:expr, $sort:expr, $rows:expr;
    )*) => {
        /// Something a filter can ask about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Key {
            $($(#[doc = $help])+ $key,)*
        }

        /// Every key, in the order people read them.
        pub const KEYS: &[About] = &[
            $(About {
                key: Key::$key,
                name: $name,
                aliases: &$aliases,
                sort: $sort,
                rows: &$rows,
                help: concat!($($help),+),
            },)*
        ];
    };
}

use Rows::{Edges, Endpoints, Exchanges, Services};

/// Kinds of exchanges, words of the contract.
const KINDS: &[&str] = &["request", "session", "oneway", "push"];
const SIDES: &[&str] = &["client", "server", "both"];
const REASONS: &[&str] = &["reset", "timeout", "closed", "gap", "mid-stream"];

keys! {
    /// Service that answers; of a row of services, its name.
    Service "service" ["name"], Sort::Text, [Exchanges, Services, Edges, Endpoints];
    /// Service that asks.
    Peer "peer" [], Sort::Text, [Exchanges, Edges];
    /// Namespace of the service.
    Namespace "namespace" [], Sort::Text, [Services, Endpoints];
    /// Instance of the service: its container or process group.
    Instance "instance" [], Sort::Text, [Services, Endpoints];
    /// Protocol id such as http1, redis or postgresql.
    Protocol "protocol" [], Sort::Text, [Exchanges, Services, Edges, Endpoints];
    /// Protocol version.
    Version "version" [], Sort::Text, [Exchanges];
    /// What was asked: HTTP method, SQL verb, command.
    Operation "operation" ["method", "command"], Sort::Text, [Exchanges, Endpoints];
    /// What it acts on: route, table, key pattern.
    Target "target" ["path", "route", "table"], Sort::Text, [Exchanges, Endpoints];
    /// Status of the answer.
    Status "status" ["code"], Sort::Status, [Exchanges];
    /// Failed; of rows that add up exchanges: any of them failed.
    Error "error" ["failed"], Sort::Flag, [Exchanges, Services, Edges, Endpoints];
    /// The request was at fault, such as HTTP 4xx.
    ClientError "client_error" [], Sort::Flag, [Exchanges];
    /// Why the exchange is not whole.
    Incomplete "incomplete" [], Sort::Choice(REASONS), [Exchanges];
    /// Sort of exchange.
    Kind "kind" [], Sort::Choice(KINDS), [Exchanges];
    /// Which ends are in scope.
    Side "side" [], Sort::Choice(SIDES), [Exchanges];
    /// Address that asked; of edges, name of the client.
    Client "client" [], Sort::Address, [Exchanges, Edges];
    /// Address that answered; of edges, name of the server.
    Server "server" [], Sort::Address, [Exchanges, Edges];
    /// Time from request to end of answer; of rows that add up exchanges, the 99th percentile.
    Latency "latency" ["duration"], Sort::Duration, [Exchanges, Services, Edges, Endpoints];
    /// Time from request to first byte of the answer.
    Ttfb "ttfb" [], Sort::Duration, [Exchanges];
    /// Bytes of the request.
    RequestBytes "request_bytes" [], Sort::Bytes, [Exchanges];
    /// Bytes of the answer.
    ResponseBytes "response_bytes" [], Sort::Bytes, [Exchanges];
    /// Exchanges in the window.
    Count "count" ["requests"], Sort::Number, [Services, Edges, Endpoints];
    /// Failed exchanges in the window.
    Errors "errors" [], Sort::Number, [Services, Edges, Endpoints];
    /// Exchanges a second.
    Rate "rate" [], Sort::Number, [Services, Edges, Endpoints];
    /// Failed share.
    ErrorRatio "error_ratio" ["error_rate"], Sort::Share, [Services, Edges, Endpoints];
    /// Median duration.
    P50 "p50" [], Sort::Duration, [Services, Edges, Endpoints];
    /// 95th percentile of durations.
    P95 "p95" [], Sort::Duration, [Services, Edges, Endpoints];
    /// 99th percentile of durations.
    P99 "p99" [], Sort::Duration, [Services, Edges, Endpoints];
    /// Share of the bytes that was understood.
    Coverage "coverage" [], Sort::Share, [Services];
    /// Open connections of the service; of edges, connections opened in the window.
    Connections "connections" [], Sort::Number, [Services, Edges];
    /// Payload bytes in the window, both directions.
    Bytes "bytes" [], Sort::Bytes, [Services, Edges];
    /// Mean round-trip time.
    Rtt "rtt" [], Sort::Duration, [Edges];
    /// Mean time to connect.
    Connect "connect" [], Sort::Duration, [Edges];
    /// Segments sent again.
    Retransmits "retransmits" [], Sort::Number, [Edges];
    /// Connections ended by a reset.
    Resets "resets" [], Sort::Number, [Edges];
    /// Rule that gave the service its name.
    Reason "reason" [], Sort::Text, [Services];
    /// Path of the executable.
    Executable "executable" ["exe"], Sort::Text, [Services];
    /// Container id.
    Container "container" [], Sort::Text, [Services];
    /// Language the service is written in.
    Language "language" ["lang"], Sort::Text, [Services];
    /// What runs the program, such as cpython or node.
    Runtime "runtime" [], Sort::Text, [Services];
    /// Image its container was made from.
    Image "image" [], Sort::Text, [Services];
    /// Kubernetes pod.
    Pod "pod" [], Sort::Text, [Services];
    /// systemd unit.
    Unit "unit" [], Sort::Text, [Services];
    /// Addresses the service listens on.
    Listens "listens" ["port"], Sort::Address, [Services];
}

impl Key {
    /// The key of this name or alias. Case and the choice of `-` or `_` do not matter.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.replace('-', "_");
        let is_it = |spelling: &&str| spelling.eq_ignore_ascii_case(&name);
        let about = KEYS.iter().find(|about| Self::spellings(about).any(|s| is_it(&s)));
        about.map(|about| about.key)
    }

    /// Everything that is known of it.
    pub fn about(self) -> &'static About {
        // The table is written in the order of the enum, by one macro.
        &KEYS[self as usize]
    }

    /// Its name and its aliases.
    pub(super) fn spellings(about: &About) -> impl Iterator<Item = &'static str> {
        std::iter::once(about.name).chain(about.aliases.iter().copied())
    }
}
