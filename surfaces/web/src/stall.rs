//! A socket that gives up on a peer which takes no bytes.
//!
//! hyper bounds how long a request head may take, but not how long an answer may stay unread; a
//! client that never reads would keep its place among the connections for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// A TCP stream whose writes fail once the peer has taken nothing for `limit`.
pub(crate) struct Stalling {
    stream: TcpStream,
    limit: Duration,
    /// Runs only while a write waits.
    deadline: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl Stalling {
    /// Must be called on the runtime that serves the connection.
    pub(crate) fn new(stream: TcpStream, limit: Duration) -> Self {
        let deadline = Box::pin(sleep(limit));
        let is_waiting = false;
        Self { stream, limit, deadline, is_waiting }
    }

    /// Passes `written` on, and turns waiting for too long into an error.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_waiting = false;
            return written;
        }
        if !self.is_waiting {
            self.is_waiting = true;
            self.deadline.as_mut().reset(Instant::now() + self.limit);
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Stalling {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Stalling {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[test]
    fn a_peer_that_takes_nothing_is_given_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let outcome = runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let _peer = std::net::TcpStream::connect(listener.local_addr()?)?;
            let (stream, _) = listener.accept().await?;
            let mut stalling = Stalling::new(stream, Duration::ZERO);
            let piece = [0; 64 * 1024];
            // Takes what the buffers of both sockets hold, then waits.
            loop {
                poll_fn(|context| Pin::new(&mut stalling).poll_write(context, &piece)).await?;
            }
        });
        let outcome: io::Result<()> = outcome;
        assert_eq!(outcome.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
    }
}
