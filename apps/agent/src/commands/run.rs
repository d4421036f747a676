//! `redsight run`: observe until told to stop.

use std::process::ExitCode;

use anyhow::Result;

use crate::config::RunArgs;

/// Starts taps, pipeline and HTTP; ends on SIGTERM or SIGINT with everything flushed and detached.
#[cfg(target_os = "linux")]
pub(super) fn run(arguments: &RunArgs) -> Result<ExitCode> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use anyhow::Context;
    use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};

    use crate::config::Settings;
    use crate::live::{Live, Options};

    /// How soon a signal is acted upon.
    const LOOK: Duration = Duration::from_millis(20);

    let effective = arguments.effective()?;
    let settings = Settings::from(&effective);
    let (stop, toggle) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    signal_hook::flag::register(SIGUSR1, Arc::clone(&toggle))?;
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
    eprintln!("redsight: observing {}; http://{}", live.scope(), server.local_addr());
    if let Some(file) = &effective.file {
        eprintln!("redsight: settings of {}", file.display());
    }
    let mut code = ExitCode::SUCCESS;
    while !stop.load(Ordering::Relaxed) {
        if toggle.swap(false, Ordering::Relaxed) {
            live.toggle();
        }
        if live.has_ended() {
            code = ExitCode::FAILURE;
            break;
        }
        std::thread::sleep(LOOK);
    }
    drop(server);
    live.stop();
    Ok(code)
}

/// There is no live tap here yet.
#[cfg(not(target_os = "linux"))]
pub fn run(_arguments: &RunArgs) -> Result<ExitCode> {
    Err(super::exit::NotHere("`redsight run`").into())
}
