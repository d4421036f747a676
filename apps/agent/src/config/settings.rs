//! The settings as the agent uses them.

use std::net::SocketAddr;
use std::path::PathBuf;

use connections::Limits;
use metrics::StoreLimits;

use super::effective::Effective;
use super::kind::Value;

/// Every setting, typed. What is not a setting has its default beside its stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// cgroup v2 directories; none is the whole host.
    pub cgroups: Vec<PathBuf>,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// Names by which it may be asked.
    pub hosts: Vec<String>,
    /// Where lines go.
    pub json: Option<PathBuf>,
    /// Size of the ring.
    pub ring_bytes: u32,
    /// Bytes copied of each turn unasked.
    pub turn_budget_bytes: u32,
    /// Share of every core the agent may use; `None` is no limit.
    pub cpu_share: Option<f64>,
    /// Take secrets of TLS.
    pub tls: bool,
    /// Look for keys in memory.
    pub key_scan: bool,
    /// Put plaintext probes where no key is found.
    pub hooks: bool,
    /// Where findings about files are kept.
    pub tls_cache: Option<PathBuf>,
    /// Bounds of the connections stage.
    pub connections: Limits,
    /// Bounds of the store.
    pub store: StoreLimits,
}

impl From<&Effective> for Settings {
    fn from(effective: &Effective) -> Self {
        let number = |key| match effective.value(key) {
            Value::Number(number) => *number,
            _ => 0,
        };
        let texts = |key| match effective.value(key) {
            Value::Texts(texts) => texts.clone(),
            _ => Vec::new(),
        };
        let path = |key| match effective.value(key) {
            Value::Text(path) => Some(PathBuf::from(path)),
            _ => None,
        };
        let recent_s = match effective.value("limits.recent") {
            Value::Time(time) => time.as_secs(),
            _ => StoreLimits::default().recent_s,
        };
        Self {
            cgroups: texts("cgroups").into_iter().map(PathBuf::from).collect(),
            listen: match effective.value("listen") {
                Value::Address(address) => *address,
                _ => SocketAddr::from(([127, 0, 0, 1], 9464)),
            },
            hosts: texts("hosts"),
            json: path("json"),
            ring_bytes: number("ring_bytes") as u32,
            turn_budget_bytes: number("turn_budget_bytes") as u32,
            cpu_share: match effective.value("limits.cpu") {
                Value::Share(share) => *share,
                _ => None,
            },
            tls: *effective.value("tls.enabled") == Value::Switch(true),
            key_scan: *effective.value("tls.key_scan") == Value::Switch(true),
            hooks: *effective.value("tls.hooks") == Value::Switch(true),
            tls_cache: path("tls.cache"),
            connections: Limits {
                connections: number("limits.connections") as usize,
                ..Limits::default()
            },
            store: StoreLimits {
                series: number("limits.series") as usize,
                services: number("limits.services") as usize,
                edges: number("limits.edges") as usize,
                endpoints_per_service: number("limits.endpoints") as u32,
                recent_s,
                recent_bytes: number("limits.recent_bytes") as usize,
                ..StoreLimits::default()
            },
        }
    }
}
