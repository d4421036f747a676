//! `/livez`: the process is alive and its web thread turns.

/// Asks nobody, so that a busy store never looks like a dead agent.
pub(super) async fn answer() -> &'static str {
    "ok\n"
}
