//! Puts questions to the store without holding up the thread that serves everybody.
//!
//! A question may take milliseconds and its JSON may be large, so both are made on a blocking
//! thread. At most [`QUESTIONS_MAX`] are under way; the others wait their turn, not for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use model::view::{Query, Snapshot};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::limits::{ANSWER_TIMEOUT, QUESTIONS_MAX, STREAMS_MAX};
use crate::problem::Problem;
use crate::window::Window;

/// The store, the turns to ask it, and what ends with the server.
#[derive(Clone)]
pub(crate) struct Ask {
    query: Arc<dyn Query>,
    turns: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
    /// Counts those who were answered 503.
    refused: Arc<AtomicU64>,
}

impl Ask {
    /// `stopping` becomes true when the server stops.
    pub(crate) fn new(
        query: Arc<dyn Query>,
        stopping: watch::Receiver<bool>,
        refused: Arc<AtomicU64>,
    ) -> Self {
        let turns = Arc::new(Semaphore::new(QUESTIONS_MAX));
        let streams = Arc::new(Semaphore::new(STREAMS_MAX));
        Self { query, turns, streams, stopping, refused }
    }

    fn unavailable(&self, reason: String) -> Problem {
        self.refused.fetch_add(1, Ordering::Relaxed);
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason)
    }

    /// A place among the streams, given back when dropped.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            let reason = format!("{STREAMS_MAX} streams are open, which is the most: close one");
            self.unavailable(reason)
        })
    }

    /// True once the server has been told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Runs `question` on a blocking thread.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Query) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let asked = async {
            let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
            let query = Arc::clone(&self.query);
            let running = tokio::task::spawn_blocking(move || {
                // Held until the answer is there, not until the client gives up: a store that
                // hangs must not gather questions.
                let _turn = turn;
                question(&*query)
            });
            running.await.ok()
        };
        match timeout(ANSWER_TIMEOUT, asked).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the question failed inside the agent; its log says more",
            )),
            Err(_) => Err(self.unavailable(format!(
                "no answer within {ANSWER_TIMEOUT:?}: the agent is overloaded, try again"
            ))),
        }
    }

    /// Answers with the JSON of what `pick` makes of a snapshot.
    pub(crate) async fn json<T: Serialize>(
        &self,
        window: Window,
        pick: impl FnOnce(Snapshot) -> T + Send + 'static,
    ) -> Result<Response, Problem> {
        self.written(move |query| pick(query.snapshot(window.0))).await
    }

    /// Answers with the JSON of an answer, written on the blocking thread too.
    pub(crate) async fn written<T: Serialize>(
        &self,
        question: impl FnOnce(&dyn Query) -> T + Send + 'static,
    ) -> Result<Response, Problem> {
        match self.ask(move |query| serde_json::to_vec(&question(query))).await? {
            Ok(body) => Ok(([(CONTENT_TYPE, "application/json")], body).into_response()),
            Err(error) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("cannot write the answer as JSON: {error}"),
            )),
        }
    }
}
