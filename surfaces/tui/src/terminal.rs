//! The loop between a terminal, a clock, a source of pictures and the [`App`].

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{
    self, DisableMouseCapture, EnableMouseCapture, Event, MouseButton, MouseEvent, MouseEventKind,
};
use crossterm::execute;
use model::view::{Exchanges, ExchangesAsked, Snapshot};
use ratatui::DefaultTerminal;
use ratatui::layout::{Position, Rect, Size};

use crate::app::App;
use crate::keys::{Action, action};
use crate::panels::screen::{draw, hit};
use crate::theme::Theme;

/// How often the loop looks at `stop` while nothing happens.
const LOOK: Duration = Duration::from_millis(250);
/// How long it sleeps while an answer is under way.
const LOOK_FOR_ANSWER: Duration = Duration::from_millis(20);
/// Rows that one notch of the wheel moves.
const WHEEL: usize = 3;
/// From when on a silent source is worth a word.
const SILENCE: Duration = Duration::from_secs(3);

/// Where pictures come from: the agent's own store, or a remote agent.
pub trait Source: Send {
    /// The picture over the last `window_s` seconds; 0 means since the start. An error is shown
    /// and the next try follows. Called on a thread of its own, so it may take its time; leaving
    /// waits for a call under way, so it should give up after a few seconds.
    fn snapshot(&mut self, window_s: f64) -> Result<Snapshot, String>;

    /// Exchanges as they happen; the same holds.
    fn exchanges(&mut self, asked: &ExchangesAsked) -> Result<Exchanges, String>;
}

/// What the screen needs.
struct Question {
    window_s: f64,
    exchanges: Option<ExchangesAsked>,
}

/// What the source gave.
struct Answer {
    picture: Result<Snapshot, String>,
    exchanges: Option<Result<Exchanges, String>>,
}

/// What a caller may choose.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Time between two pictures.
    pub interval: Duration,
    /// Seconds the numbers cover at first; `-` and `+` change it.
    pub window_s: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), window_s: 10.0 }
    }
}

/// Why the terminal view ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// Input or output is a file or a pipe.
    #[error("there is no terminal here; `redsight top --once` prints a table instead")]
    NoTerminal,
    /// The terminal refused something.
    #[error("cannot use the terminal: {0}")]
    Terminal(#[from] io::Error),
    /// The source panicked.
    #[error("the source of the pictures failed")]
    SourceFailed,
}

/// Shows pictures from `source` until somebody quits or `stop` becomes true.
///
/// `stop` is for the caller's signal handler (SIGTERM) and is looked at four times a second. The
/// terminal is restored on every way out, a panic included.
pub fn run(source: &mut dyn Source, options: &Options, stop: &AtomicBool) -> Result<(), TuiError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let theme = Theme::detect(|name| std::env::var(name).ok());
    let (questions, asked) = sync_channel(1);
    let (answers, answered) = sync_channel(1);
    thread::scope(|scope| {
        let courier = thread::Builder::new()
            .name("redsight-top".into())
            .spawn_scoped(scope, move || carry(source, &asked, &answers))?;
        let shown = Restored::new().and_then(|mut restored| {
            let link = Link { questions, answered };
            converse(&mut restored.terminal, &link, options, &theme, stop)
            // The terminal is itself again before we wait for the source.
        });
        match courier.join() {
            Ok(()) => shown,
            Err(_) => Err(TuiError::SourceFailed),
        }
    })
}

/// Takes each question to the source and brings its answer back.
fn carry(source: &mut dyn Source, questions: &Receiver<Question>, answers: &SyncSender<Answer>) {
    while let Ok(question) = questions.recv() {
        let picture = source.snapshot(question.window_s);
        let exchanges = question.exchanges.map(|asked| source.exchanges(&asked));
        if answers.send(Answer { picture, exchanges }).is_err() {
            return;
        }
    }
}

/// The terminal while we have it.
struct Restored {
    terminal: DefaultTerminal,
}

impl Restored {
    /// Takes the terminal; the panic hook that gives it back comes with it.
    fn new() -> Result<Self, TuiError> {
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        let restore = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = execute!(io::stdout(), DisableMouseCapture);
            restore(panic);
        }));
        execute!(io::stdout(), EnableMouseCapture).inspect_err(|_| ratatui::restore())?;
        Ok(Self { terminal })
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        // There is nobody left to tell if it fails.
        let _ = execute!(io::stdout(), DisableMouseCapture);
        ratatui::restore();
    }
}

/// The two ends of the courier's way that face the screen.
struct Link {
    questions: SyncSender<Question>,
    answered: Receiver<Answer>,
}

/// Draws, asks and listens until it is over.
fn converse(
    terminal: &mut DefaultTerminal,
    link: &Link,
    options: &Options,
    theme: &Theme,
    stop: &AtomicBool,
) -> Result<(), TuiError> {
    let mut app = App::new(options.window_s);
    let mut due = Instant::now();
    let mut asked_at: Option<Instant> = None;
    let mut is_changed = true;
    while !app.is_done() && !stop.load(Ordering::Relaxed) {
        match link.answered.try_recv() {
            Ok(answer) => {
                app.observe(answer.picture);
                if let Some(exchanges) = answer.exchanges {
                    app.observe_exchanges(exchanges);
                }
                asked_at = None;
                is_changed = true;
            }
            Err(TryRecvError::Disconnected) => return Err(TuiError::SourceFailed),
            Err(TryRecvError::Empty) => {}
        }
        let now = Instant::now();
        if let Some(silence) = asked_at.map(|at| now - at).filter(|time| *time >= SILENCE) {
            app.waited(silence.as_secs());
            is_changed = true;
        } else if asked_at.is_none() && now >= due {
            // There is room: the last question was answered.
            let (window_s, exchanges) = (app.window_s(), app.exchanges_asked());
            let _ = link.questions.try_send(Question { window_s, exchanges });
            asked_at = Some(now);
            due = now + options.interval;
        }
        if std::mem::take(&mut is_changed) {
            terminal.draw(|frame| draw(frame, &app, theme))?;
        }
        let wait = match asked_at {
            Some(at) if now - at < SILENCE => LOOK_FOR_ANSWER,
            Some(_) => LOOK,
            None => LOOK.min(due - now),
        };
        is_changed |= listen(terminal, &mut app, &mut due, wait)?;
    }
    Ok(())
}

/// Waits for input and does what it asks; true if the screen must be drawn anew.
fn listen(
    terminal: &DefaultTerminal,
    app: &mut App,
    due: &mut Instant,
    wait: Duration,
) -> Result<bool, TuiError> {
    if !event::poll(wait)? {
        return Ok(false);
    }
    let action = match event::read()? {
        Event::Key(key) => action(key, app.mode()),
        Event::Mouse(mouse) => clicked(mouse, terminal.size()?, app),
        Event::Resize(..) => return Ok(true),
        _ => None,
    };
    let Some(action) = action else { return Ok(false) };
    let (window_s, screen) = (app.window_s(), app.screen());
    app.act(action);
    // What the next picture covers, or what is asked for, is another thing now.
    if window_s.to_bits() != app.window_s().to_bits() || screen != app.screen() {
        *due = Instant::now();
    }
    Ok(true)
}

/// What the mouse asks for.
fn clicked(mouse: MouseEvent, size: Size, app: &App) -> Option<Action> {
    match mouse.kind {
        MouseEventKind::ScrollUp => Some(Action::Up(WHEEL)),
        MouseEventKind::ScrollDown => Some(Action::Down(WHEEL)),
        MouseEventKind::Down(MouseButton::Right) => Some(Action::Back),
        MouseEventKind::Down(MouseButton::Left) => {
            hit(Rect::from((Position::ORIGIN, size)), app, (mouse.column, mouse.row).into())
        }
        _ => None,
    }
}
