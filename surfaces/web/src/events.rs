//! Exchanges as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! ```text
//! task: ask ─▶ piece ─▶ queue of two ─▶ body ─▶ client
//!         └──── full: waits, asks no more, and the ring moves on ────┘
//! ```
//! A client that takes nothing is cut by [`crate::stall`]; one that is slow finds `missed` events
//! with the number of exchanges it was not shown. Nothing is buffered beyond the queue.

use std::convert::Infallible;
use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use model::view::{Exchanges, ExchangesAsked};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout};

use crate::ask::Ask;
use crate::limits::{HEARTBEAT, STREAM_PAUSE, STREAM_PIECES_MAX, STREAM_ROWS_MAX};
use crate::problem::Problem;

/// Tells the client how soon to come back, and that it has been heard.
const GREETING: &str = "retry: 2000\n\n";

/// The body of a stream.
pub(crate) struct Events {
    pieces: mpsc::Receiver<Bytes>,
}

impl Events {
    /// Starts a stream of what `asked` describes; its limit is that of the rows before it.
    /// It ends with the client or with the server.
    pub(crate) fn start(ask: &Ask, asked: ExchangesAsked) -> Result<Self, Problem> {
        let place = ask.stream()?;
        let (sender, pieces) = mpsc::channel(STREAM_PIECES_MAX);
        tokio::spawn(feed(ask.clone(), asked, sender, place));
        Ok(Self { pieces })
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pieces.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Asks and sends until nobody listens or the server stops.
async fn feed(
    ask: Ask,
    mut asked: ExchangesAsked,
    client: mpsc::Sender<Bytes>,
    place: OwnedSemaphorePermit,
) {
    let _place = place;
    let mut said = Instant::now();
    let mut piece = String::from(GREETING);
    while !ask.is_stopping() {
        let question = asked.clone();
        let answered = ask.ask(move |query| {
            let answer = query.exchanges(&question);
            (events(&answer), answer.next, answer.rows.len())
        });
        let Ok((events, next, rows)) = answered.await else {
            return;
        };
        let is_full = asked.after.is_some() && rows == asked.limit;
        (asked.after, asked.limit) = (Some(next), STREAM_ROWS_MAX);
        piece.push_str(&events);
        if piece.is_empty() && said.elapsed() >= HEARTBEAT {
            // The number alone moves the client's place: after a break it goes on from here.
            piece = format!(": nothing new\nid: {next}\n\n");
        }
        if !piece.is_empty() {
            said = Instant::now();
            // Waits for a client that has not taken the pieces before.
            if client.send(std::mem::take(&mut piece).into()).await.is_err() {
                return;
            }
        }
        if !is_full && timeout(STREAM_PAUSE, client.closed()).await.is_ok() {
            return;
        }
    }
}

/// One event an exchange; before them, how many were missed.
fn events(answer: &Exchanges) -> String {
    let mut text = String::new();
    if answer.missed > 0 {
        let _ = write!(text, "event: missed\ndata: {{\"missed\":{}}}\n\n", answer.missed);
    }
    for row in &answer.rows {
        // JSON has no line feed outside of its strings, and writes those within as \n.
        if let Ok(json) = serde_json::to_string(row) {
            let _ = write!(text, "id: {}\ndata: {json}\n\n", row.id);
        }
    }
    text
}
