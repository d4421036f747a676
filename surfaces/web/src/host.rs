//! Who may be addressed: the guard against DNS rebinding.
//!
//! A page in a browser can give its own name the address 127.0.0.1 and then read this server as
//! if it were its own. The browser still sends that name as `Host`, so only names that can mean
//! us are answered. The port is not looked at: a tunnel (`ssh -L`) changes it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// The names this server answers to.
#[derive(Debug)]
pub(crate) struct Hosts {
    bound: IpAddr,
    names: Vec<String>,
}

impl Hosts {
    /// `localhost`, loopback addresses, the bound address and `names`.
    pub(crate) fn new(bound: SocketAddr, names: &[String]) -> Self {
        let names = names.iter().map(|name| plain(name)).collect();
        let bound = bound.ip().to_canonical();
        Self { bound, names }
    }

    /// True if `host`, without a port, may mean this server.
    fn accepts(&self, host: &str) -> bool {
        let host = plain(host);
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = literal.parse::<IpAddr>() {
            let address = address.to_canonical();
            // Bound to every address we cannot know which ones are ours, and need not: rebinding
            // takes a name, and this is none.
            return address.is_loopback()
                || address == self.bound
                || self.bound.is_unspecified()
                || self.names.contains(&host);
        }
        host == "localhost" || self.names.contains(&host)
    }

    /// Checks every place in which a request can say whom it means.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let mut headers = request.headers().get_all(HOST).iter();
        let header = match (headers.next(), headers.next()) {
            (Some(_), Some(_)) => return Err(bad("more than one Host header")),
            (Some(value), None) => Some(value.to_str().map_err(|_| bad("Host is not text"))?),
            (None, _) if request.version() >= Version::HTTP_11 => {
                return Err(bad("HTTP/1.1 needs a Host header"));
            }
            (None, _) => None,
        };
        let header = header.map(|text| text.parse::<Authority>().map_err(|_| bad("bad Host")));
        let absolute = request.uri().authority().cloned().map(Ok);
        for authority in [header, absolute].into_iter().flatten() {
            let authority = authority?;
            if !self.accepts(authority.host()) {
                return Err(refusal(authority.host()));
            }
        }
        Ok(())
    }
}

/// Middleware: lets pass only requests that mean this server.
pub(crate) async fn guard(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    match hosts.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn plain(name: &str) -> String {
    let name = name.trim();
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn bad(reason: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, reason)
}

fn refusal(host: &str) -> Problem {
    let shown: String = host.chars().take(80).collect();
    let reason = format!(
        "host {shown:?} is not a name of this server (guard against DNS rebinding): use localhost \
         or the address it listens on, or add the name to the host names in its configuration"
    );
    Problem::new(StatusCode::FORBIDDEN, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(bound: &str) -> Hosts {
        let bound = bound.parse().expect("an address");
        Hosts::new(bound, &["Agent.Example.".into(), "10.9.9.9".into()])
    }

    #[test]
    fn only_names_that_can_mean_us_are_accepted() {
        let cases = [
            ("127.0.0.1:9464", "localhost", true),
            ("127.0.0.1:9464", "LOCALHOST.", true),
            ("127.0.0.1:9464", "127.8.8.8", true),
            ("127.0.0.1:9464", "[::1]", true),
            ("127.0.0.1:9464", "[::ffff:127.0.0.1]", true),
            ("127.0.0.1:9464", "agent.example", true),
            ("127.0.0.1:9464", "10.9.9.9", true),
            ("127.0.0.1:9464", "10.0.0.5", false),
            ("127.0.0.1:9464", "evil.example", false),
            ("127.0.0.1:9464", "localhost.evil.example", false),
            ("127.0.0.1:9464", "127.0.0.1.evil.example", false),
            ("127.0.0.1:9464", "", false),
            ("10.0.0.5:9464", "10.0.0.5", true),
            ("10.0.0.5:9464", "10.0.0.6", false),
            ("0.0.0.0:9464", "10.0.0.6", true),
            ("[::]:9464", "[fe80::1]", true),
            ("0.0.0.0:9464", "evil.example", false),
        ];
        for (bound, host, accepted) in cases {
            assert_eq!(hosts(bound).accepts(host), accepted, "{bound} asked as {host}");
        }
    }
}
