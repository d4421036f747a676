//! Examples below the long help texts.

/// `redsight`.
pub(crate) const REDSIGHT: &str = "\
Examples:
  sudo redsight                      observe the whole host; http://127.0.0.1:9464
  redsight top                       see it live
  redsight tail 'status>=500'        see what fails
  redsight doctor                    see what works here, and what does not

Exit codes: 0 done, 1 failed or `doctor` found something broken, 2 usage, 69 this platform lacks
what was asked, 77 no permission, 78 bad configuration.";

/// `run`.
pub(crate) const RUN: &str = "\
Examples:
  sudo redsight run
  sudo redsight run --cgroup /sys/fs/cgroup/system.slice/nginx.service
  sudo redsight run --json - | jq 'select(.error)'
  REDSIGHT_LIMITS__CPU=5% sudo -E redsight run --config ./redsight.yaml

SIGTERM and SIGINT flush, detach and exit 0; SIGUSR1 detaches the tap, and attaches it again.";

/// `replay`.
pub(crate) const REPLAY: &str = "\
Examples:
  redsight replay shop.pcapng.gz
  redsight replay --json shop.pcap | jq -c '[.service, .operation, .duration_us]'";

/// `top`.
pub(crate) const TOP: &str = "\
Examples:
  redsight top
  redsight top --connect 127.0.0.1:9465 --window 60
  redsight top --once";

/// `tail`.
pub(crate) const TAIL: &str = "\
Examples:
  redsight tail
  redsight tail 'service=cart status>=500'
  redsight tail protocol=redis,postgresql 'latency>100ms'
  redsight tail --json error | jq .target

docs/filters.md has every key. What could not be shown, because there was more at once than is
kept, is counted on standard error. A pause of a quarter of a second at the start lets the agent
turn to its reader.";

/// `services`.
pub(crate) const SERVICES: &str = "\
Examples:
  redsight services
  redsight services protocol=postgresql --sort -p99
  redsight services 'error_ratio>1%' --window 0
  redsight services -o json | jq -r '.[].entity | [.name, .reason] | @tsv'";

/// `tls`.
pub(crate) const TLS: &str = "\
Examples:
  redsight tls
  redsight tls -o json | jq -r '.[] | select(.sealed > 0) | [.service, .sealed_because]'";

/// `doctor`.
pub(crate) const DOCTOR: &str = "\
Examples:
  sudo redsight doctor
  redsight doctor -o json | jq -r '.[] | select(.state == \"refused\").remedy'

Attaches nothing. Exit code 1 if anything is refused.";

/// `config`.
pub(crate) const CONFIG: &str = "\
Examples:
  redsight config print --origin
  redsight config check ./redsight.yaml
  redsight config schema > redsight.schema.json";

/// `completions`.
pub(crate) const COMPLETIONS: &str = "\
Examples:
  redsight completions bash | sudo tee /etc/bash_completion.d/redsight
  redsight completions zsh > \"${fpath[1]}/_redsight\"
  redsight completions fish > ~/.config/fish/completions/redsight.fish";

/// `man`.
pub(crate) const MAN: &str = "\
Examples:
  redsight man | man -l -
  sudo redsight man /usr/local/share/man/man1";
