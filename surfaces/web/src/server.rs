//! One thread, one listener, and the life of each connection.
//!
//! ```text
//! accept ─ a place is free ──▶ serve requests ──▶ closed by the client, a timeout or the stop
//!    └───── all places taken ─▶ 503, closed, counted
//! ```

use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread::JoinHandle;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use model::view::Query;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::ask::Ask;
use crate::host::Hosts;
use crate::limits::{
    ACCEPT_PAUSE, CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, QUESTIONS_MAX,
    STOP_GRACE, WRITE_STALL,
};
use crate::routes::router::router;
use crate::stall::Stalling;

/// What an overloaded server says before it closes.
const OVERLOADED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/json\r\ncontent-length: 39\r\nconnection: close\r\n\r\n\
    {\"error\":\"too many connections, retry\"}";

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Somebody listens there already.
    #[error(
        "cannot listen on {address}: another program listens there (a running redsight?); \
         stop it, or choose another address with --listen"
    )]
    AddressInUse {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The address belongs to no interface of this host.
    #[error(
        "cannot listen on {address}: this host has no such address; \
         choose 127.0.0.1 or one of its own with --listen"
    )]
    AddressUnknown {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The port is reserved for privileged programs.
    #[error("cannot listen on {address}: not permitted; choose a port above 1023 with --listen")]
    NotPermitted {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Anything else the system refused.
    #[error("cannot serve HTTP on {address}: {source}")]
    Io {
        /// What was asked for.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    refused: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens, with the real port if port 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Counts those who were answered 503, because too many connections or streams were open or a
    /// question took too long.
    pub fn refused(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.refused)
    }

    /// Takes no new connection, lets answers under way finish, and returns in about two seconds.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// Listens on `address` and answers from `query`, on a thread of its own, until dropped.
///
/// `names` are further host names under which clients may address the server; `localhost`,
/// loopback addresses and `address` itself always work.
pub fn serve(
    address: SocketAddr,
    names: &[String],
    query: Arc<dyn Query>,
) -> Result<Server, WebError> {
    let failed = |source| refusal(address, source);
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(QUESTIONS_MAX)
        .thread_name("redsight-query")
        .build()
        .map_err(failed)?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(failed)?
    };
    let (stop, stopping) = watch::channel(false);
    let refused = Arc::new(AtomicU64::new(0));
    let place = Place {
        app: router(
            Ask::new(query, stopping.clone(), Arc::clone(&refused)),
            Hosts::new(local, names),
        ),
        places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        refused: Arc::clone(&refused),
        stopping,
    };
    let thread = std::thread::Builder::new()
        .name("redsight-web".into())
        .spawn(move || {
            runtime.block_on(place.accept_all(listener));
            // A question that hangs must not hold up the end of the agent.
            runtime.shutdown_background();
        })
        .map_err(failed)?;
    Ok(Server { address: local, refused, stop, thread: Some(thread) })
}

/// What every connection shares.
struct Place {
    app: Router,
    places: Arc<Semaphore>,
    refused: Arc<AtomicU64>,
    stopping: watch::Receiver<bool>,
}

impl Place {
    /// Accepts until told to stop, then waits a little for the connections that are open.
    async fn accept_all(self, listener: tokio::net::TcpListener) {
        let mut stopping = self.stopping.clone();
        {
            let mut stop = pin!(stopping.wait_for(|stop| *stop));
            loop {
                let accepted = poll_fn(|context| {
                    if stop.as_mut().poll(context).is_ready() {
                        return Poll::Ready(None);
                    }
                    listener.poll_accept(context).map(Some)
                });
                match accepted.await {
                    None => break,
                    Some(Ok((stream, _))) => self.admit(stream),
                    Some(Err(_)) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
            }
        }
        drop(listener);
        // Every place free means every connection done.
        let everyone = self.places.acquire_many(CONNECTIONS_MAX as u32);
        let _ = tokio::time::timeout(STOP_GRACE, everyone).await;
    }

    /// Gives the connection a place, or turns it away.
    fn admit(&self, stream: TcpStream) {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                let (app, stopping) = (self.app.clone(), self.stopping.clone());
                tokio::spawn(converse(stream, app, stopping, place));
            }
            Err(_) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                // The buffer of a new socket is empty: this is taken whole or not at all.
                let _ = stream.try_write(OVERLOADED);
            }
        }
    }
}

/// Serves one connection to its end. `place` is given back with it.
async fn converse(
    stream: TcpStream,
    app: Router,
    mut stopping: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    let _place = place;
    // Small answers leave at once; a refusal costs only delay.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(
            TokioIo::new(Stalling::new(stream, WRITE_STALL)),
            TowerToHyperService::new(app),
        );
    let mut connection = pin!(connection);
    let mut stop = pin!(stopping.wait_for(|stop| *stop));
    let mut is_told = false;
    let end = poll_fn(|context| {
        if !is_told && stop.as_mut().poll(context).is_ready() {
            is_told = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    });
    // Resets and timeouts are the client's affair; it has been told by the closed connection.
    let _ = end.await;
}

fn refusal(address: SocketAddr, source: io::Error) -> WebError {
    match source.kind() {
        io::ErrorKind::AddrInUse => WebError::AddressInUse { address },
        io::ErrorKind::AddrNotAvailable => WebError::AddressUnknown { address },
        io::ErrorKind::PermissionDenied => WebError::NotPermitted { address },
        _ => WebError::Io { address, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overload_answer_says_its_true_length() {
        let text = std::str::from_utf8(OVERLOADED).expect("it is ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{text}");
    }
}
