//! The table of contents: every path, and what every request passes on its way in and out.

use std::sync::Arc;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::ask::Ask;
use crate::host::{self, Hosts};
use crate::listing;
use crate::problem::Problem;

use super::{
    edges, endpoints, exchanges, health, index, ledger, livez, metrics, openapi, readyz, services,
    snapshot, tls,
};

/// Something that is served.
pub(crate) struct Resource {
    /// Its path.
    pub(crate) path: &'static str,
    /// What it is for, in a few words.
    pub(crate) purpose: &'static str,
    /// What may stand behind the `?`; paths outside of `/api` take anything and heed nothing.
    pub(crate) parameters: &'static [&'static str],
}

const fn resource(
    path: &'static str,
    purpose: &'static str,
    parameters: &'static [&'static str],
) -> Resource {
    Resource { path, purpose, parameters }
}

/// Every resource but the index, in the order people read them.
pub(crate) const RESOURCES: &[Resource] = &[
    resource("/livez", "200 while the process is alive", &[]),
    resource("/readyz", "200 once every tap that can attach is attached, else 503 and why", &[]),
    resource("/metrics", "Prometheus text, OpenMetrics or protobuf, as the client accepts", &[]),
    resource(
        "/api/v1/services",
        "rate, errors, duration and coverage per service",
        listing::PARAMETERS,
    ),
    resource(
        "/api/v1/edges",
        "the same per client and server, with TCP health",
        listing::PARAMETERS,
    ),
    resource("/api/v1/endpoints", "the same per operation and target", listing::PARAMETERS),
    resource("/api/v1/exchanges", "exchanges as they happen", exchanges::PARAMETERS),
    resource("/api/v1/ledger", "where every byte went", listing::PARAMETERS),
    resource("/api/v1/health", "what is on, off or refused, why, and what to do", &[]),
    resource("/api/v1/tls", "who speaks TLS, by which engine, how its secrets are had", &[]),
    resource("/api/v1/snapshot", "all of it at one moment", snapshot::PARAMETERS),
    resource("/api/v1/openapi.json", "what can be asked and what is answered", &[]),
];

/// The whole surface, guards included.
pub(crate) fn router(ask: Ask, hosts: Hosts) -> Router {
    Router::new()
        .route("/", get(index::answer))
        .route("/livez", get(livez::answer))
        .route("/readyz", get(readyz::answer))
        .route("/metrics", get(metrics::answer))
        .route("/api/v1/services", get(services::answer))
        .route("/api/v1/edges", get(edges::answer))
        .route("/api/v1/endpoints", get(endpoints::answer))
        .route("/api/v1/exchanges", get(exchanges::answer))
        .route("/api/v1/ledger", get(ledger::answer))
        .route("/api/v1/health", get(health::answer))
        .route("/api/v1/tls", get(tls::answer))
        .route("/api/v1/snapshot", get(snapshot::answer))
        .route("/api/v1/openapi.json", get(openapi::answer))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .with_state(ask)
        .layer(from_fn(bodiless))
        .layer(from_fn_with_state(Arc::new(hosts), host::guard))
        .layer(from_fn(seal))
}

async fn unknown(uri: Uri) -> Problem {
    let shown: String = uri.path().chars().take(80).collect();
    let known: Vec<&str> = RESOURCES.iter().map(|resource| resource.path).collect();
    let reason = format!("nothing at {shown:?}; there is / {}", known.join(" "));
    Problem::new(StatusCode::NOT_FOUND, reason)
}

async fn not_allowed(method: Method) -> Problem {
    let reason = format!("{method} is not allowed: this server only answers GET and HEAD");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, reason)
}

/// Turns away requests that carry a body: nothing here reads one.
async fn bodiless(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let reason = "this server takes no request body";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, reason).into_response()
}

/// Headers of every answer: never cached, never guessed at, and no page may load anything.
async fn seal(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
