//! Rules of the choice itself; what each kind of process is called stands in `cases/`.

use super::{Named, name};
use crate::process::Process;
use crate::variables::Environment;

#[test]
fn a_unit_shared_with_the_agent_names_nobody() {
    let process = Process {
        executable: "/usr/sbin/nginx".into(),
        unit: "console.service".into(),
        shares_agents_unit: true,
        ..Process::default()
    };
    assert_eq!(name(&process, &()).name, "nginx");
}

#[test]
fn nobody_is_unknown() {
    assert_eq!(name(&Process::default(), &()), Named::new("unknown", "command name"));
}

#[test]
fn names_are_short_and_clean() {
    let process = Process {
        environment: Environment::from_block(
            format!("OTEL_SERVICE_NAME= a\n\u{7}b {}", "ü".repeat(200)).as_bytes(),
        ),
        ..Process::default()
    };
    let named = name(&process, &());
    assert!(named.name.starts_with("ab ü"));
    assert!(named.name.len() <= crate::process::NAME_BYTES_MAX);
}
