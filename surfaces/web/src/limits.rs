//! Every bound of the HTTP surface, in one place.

use std::time::Duration;

/// Connections served at once. One more is answered 503 and counted.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// Bytes of one request head, and of what is buffered to be written. Browsers send under 4 KiB.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Header lines of one request.
pub(crate) const HEADERS_MAX: usize = 64;

/// How long a client may take to send one request head, and to stay silent between two.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take no byte of an answer before its connection is cut.
pub(crate) const WRITE_STALL: Duration = Duration::from_secs(20);

/// Questions put to the store at once. The second lets a small one pass a large one.
pub(crate) const QUESTIONS_MAX: usize = 2;

/// How long an answer of the store is waited for.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long open connections may finish their answer when the server stops.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(2);

/// Pause after a failed accept, such as too many open files: it would fail again at once.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Seconds a picture covers if nobody says otherwise.
pub(crate) const WINDOW_DEFAULT_S: f64 = 60.0;

/// The longest window anyone may ask for: one day.
pub(crate) const WINDOW_MAX_S: f64 = 86_400.0;

/// Exchanges in one answer if nobody says otherwise.
pub(crate) const EXCHANGES_DEFAULT: usize = 100;

/// Exchanges anyone may ask for at once: as many as the agent keeps.
pub(crate) const EXCHANGES_MAX: usize = 4_096;

/// Streams of exchanges served at once. Each asks several times a second.
pub(crate) const STREAMS_MAX: usize = 16;

/// Exchanges in one piece of a stream.
pub(crate) const STREAM_ROWS_MAX: usize = 512;

/// Pieces of a stream that may wait for its client. One more is not made before one has gone: the
/// client then misses exchanges and is told how many.
pub(crate) const STREAM_PIECES_MAX: usize = 2;

/// How often a stream looks for new exchanges: often enough that at the fullest rate the agent
/// keeps them all until then.
pub(crate) const STREAM_PAUSE: Duration = Duration::from_millis(200);

/// How long a stream may be silent. Proxies cut connections that are silent for a minute.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// Rows of a list in one answer if nobody says otherwise.
pub(crate) const ROWS_DEFAULT: usize = 1_000;

/// Rows of a list anyone may ask for at once.
pub(crate) const ROWS_MAX: usize = 10_000;

/// Parameters of one request, known and unknown.
pub(crate) const PARAMETERS_MAX: usize = 16;
