//! `redsight run`: observe until told to stop.

use std::process::ExitCode;

use anyhow::Result;

use crate::config::RunArgs;

/// Starts taps, pipeline and HTTP; ends on SIGTERM or SIGINT with everything flushed and detached.
#[cfg(target_os = "linux")]
pub(super) fn run(arguments: &RunArgs) -> Result<ExitCode> {
    use std::sync::Arc;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use anyhow::Context;
    use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    use crate::config::Settings;
    use crate::live::{Live, Options};

    /// How soon it shows that a thread has ended by itself.
    const LOOK: Duration = Duration::from_secs(1);

    let effective = arguments.effective()?;
    let settings = Settings::from(&effective);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1])?;
    let (came, told) = channel();
    let wait = move || signals.forever().try_for_each(|signal| came.send(signal));
    std::thread::Builder::new().name("redsight-signal".to_owned()).spawn(wait)?;
    let json: Option<Box<dyn std::io::Write + Send>> = match &settings.json {
        None => None,
        Some(path) if path.as_os_str() == "-" => Some(Box::new(std::io::stdout())),
        Some(path) => Some(Box::new(
            std::fs::File::create(path)
                .with_context(|| format!("cannot write lines to {}", path.display()))?,
        )),
    };
    let (listen, hosts) = (settings.listen, settings.hosts.clone());
    let live = Live::start(Options { settings, json })?;
    let agent: Arc<dyn model::view::Query> = live.agent().clone();
    let server = web::serve(listen, &hosts, agent)?;
    live.agent().gauges.http_refused.get_or_init(|| server.refused());
    eprintln!("redsight: observing {}; http://{}", live.scope(), server.local_addr());
    if let Some(file) = &effective.file {
        eprintln!("redsight: settings of {}", file.display());
    }
    let code = loop {
        match told.recv_timeout(LOOK) {
            Ok(SIGUSR1) => live.toggle(),
            Err(RecvTimeoutError::Timeout) if !live.has_ended() => {}
            Ok(_) => break ExitCode::SUCCESS,
            Err(_) => break ExitCode::FAILURE,
        }
    };
    drop(server);
    live.stop();
    Ok(code)
}

/// There is no live tap here yet.
#[cfg(not(target_os = "linux"))]
pub fn run(_arguments: &RunArgs) -> Result<ExitCode> {
    Err(super::exit::NotHere("`redsight run`").into())
}
