//! What clients may not do, and what they cannot do to each other.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use model::view::TlsReport;
use model::view::{Exchanges, ExchangesAsked, HealthReport, MetricsForm, Query, Snapshot};
use web::WebError;

use crate::client::{Client, ask};
use crate::fake::{Fake, picture, serve};

fn status_of(address: SocketAddr, request: &str) -> (u16, String) {
    let mut client = Client::connect(address);
    client.send(request.as_bytes());
    let answer = client.receive("GET").expect("an answer");
    (answer.status, answer.body)
}

#[test]
fn foreign_host_names_are_refused() {
    let server = serve(Arc::new(Fake::ready()));
    let cases = [
        ("GET /livez HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", 200),
        ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200),
        ("GET /livez HTTP/1.1\r\nHost: [::1]:9464\r\n\r\n", 200),
        ("GET /livez HTTP/1.1\r\nHost: agent.example\r\n\r\n", 200),
        ("GET /livez HTTP/1.0\r\n\r\n", 200),
        ("GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example:9464\r\n\r\n", 403),
        ("GET /nothing HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        ("GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 403),
        ("GET /livez HTTP/1.1\r\n\r\n", 400),
        ("GET /livez HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", 400),
        ("GET /livez HTTP/1.1\r\nHost: bad host\r\n\r\n", 400),
    ];
    for (request, expected) in cases {
        let (status, body) = status_of(server.local_addr(), request);
        assert_eq!(status, expected, "{request:?} {body}");
        assert!(status != 403 || body.contains("DNS rebinding"), "{body}");
    }
}

#[test]
fn request_bodies_are_refused_unread() {
    let server = serve(Arc::new(Fake::ready()));
    let sized = "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n";
    let chunked = "POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    for request in [sized, chunked] {
        assert_eq!(status_of(server.local_addr(), request).0, 413, "{request}");
    }
}

#[test]
fn long_heads_and_many_headers_are_refused() {
    let server = serve(Arc::new(Fake::ready()));
    let long = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(20_000));
    let many = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(80));
    for request in [long, many] {
        let mut client = Client::connect(server.local_addr());
        client.send(request.as_bytes());
        // The refusal may be lost with the reset that follows it.
        let answer = client.receive("HEAD");
        assert!(answer.is_none_or(|answer| answer.status == 431), "{request:.40}");
    }
    assert_eq!(ask(server.local_addr(), "GET", "/livez").status, 200);
}

#[test]
fn bytes_that_are_no_http_hurt_nobody() {
    let server = serve(Arc::new(Fake::ready()));
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..], b"\0\0\0\0\r\n\r\n", b"PRI * HTTP/2"]
    {
        Client::connect(server.local_addr()).send(bytes);
    }
    assert_eq!(ask(server.local_addr(), "GET", "/livez").status, 200);
}

#[test]
fn a_reader_that_never_reads_slows_nobody() {
    // More than the socket buffers of both ends take.
    let exposition = "x".repeat(32 << 20);
    let server = serve(Arc::new(Fake { exposition, ..Fake::ready() }));
    let mut sleepers = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(server.local_addr());
        client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        sleepers.push(client);
    }
    // And one that never finishes its request.
    let mut dawdler = Client::connect(server.local_addr());
    dawdler.send(b"GET /livez HT");
    for _ in 0..20 {
        assert_eq!(ask(server.local_addr(), "GET", "/livez").status, 200);
        assert_eq!(ask(server.local_addr(), "GET", "/api/v1/services").status, 200);
    }
    let whole = sleepers[0].receive("GET").expect("an answer");
    assert_eq!(whole.body.len(), 32 << 20);
}

#[test]
fn one_connection_too_many_is_turned_away_and_counted() {
    let server = serve(Arc::new(Fake::ready()));
    let mut clients: Vec<Client> = (0..64).map(|_| Client::connect(server.local_addr())).collect();
    for client in &mut clients {
        // An answer proves that the connection has its place.
        assert_eq!(client.ask("GET", "/livez").status, 200);
    }
    let refusal = Client::connect(server.local_addr()).receive("GET").expect("an answer");
    assert_eq!(refusal.status, 503);
    assert_eq!(refusal.error(), "too many connections, retry");
    assert_eq!(server.refused().load(Ordering::Relaxed), 1);
    assert_eq!(clients[63].ask("GET", "/livez").status, 200);
}

#[test]
fn a_port_in_use_is_named_with_the_remedy() {
    let server = serve(Arc::new(Fake::ready()));
    let again = web::serve(server.local_addr(), &[], Arc::new(Fake::ready()));
    let error = again.expect_err("the port is taken");
    assert!(matches!(error, WebError::AddressInUse { address } if address == server.local_addr()));
    assert!(error.to_string().contains("--listen"), "{error}");
}

#[test]
fn a_foreign_address_is_named_with_the_remedy() {
    // 203.0.113.0/24 is kept for documentation (RFC 5737): no host has it.
    let address = "203.0.113.1:0".parse().expect("an address");
    let error = web::serve(address, &[], Arc::new(Fake::ready())).expect_err("not ours");
    assert!(matches!(error, WebError::AddressUnknown { .. }), "{error:?}");
}

#[test]
fn stopping_closes_idle_connections_and_frees_the_port() {
    let server = serve(Arc::new(Fake::ready()));
    let address = server.local_addr();
    let mut client = Client::connect(address);
    assert_eq!(client.ask("GET", "/livez").status, 200);
    server.stop();
    assert!(client.receive("GET").is_none(), "the connection is closed");
    web::serve(address, &[], Arc::new(Fake::ready())).expect("the port is free");
}

/// A store that hangs or panics at the first question, as told.
struct Broken {
    hang: Option<Barrier>,
    is_asked: AtomicBool,
}

impl Query for Broken {
    fn snapshot(&self, window_s: f64) -> Snapshot {
        if !self.is_asked.swap(true, Ordering::SeqCst) {
            match &self.hang {
                Some(barrier) => {
                    barrier.wait();
                    barrier.wait();
                }
                None => panic!("a bug in the store, on purpose"),
            }
        }
        picture(window_s)
    }

    fn health(&self) -> HealthReport {
        HealthReport::default()
    }

    fn tls(&self) -> TlsReport {
        TlsReport::default()
    }

    fn exchanges(&self, _asked: &ExchangesAsked) -> Exchanges {
        Exchanges::default()
    }

    fn metrics(&self, _form: MetricsForm) -> Vec<u8> {
        Vec::new()
    }

    fn ready(&self) -> bool {
        true
    }
}

#[test]
fn a_question_that_hangs_holds_up_neither_others_nor_the_stop() {
    let hang = Some(Barrier::new(2));
    let broken = Arc::new(Broken { hang, is_asked: AtomicBool::new(false) });
    let server = serve(broken.clone());
    let mut client = Client::connect(server.local_addr());
    client.send(b"GET /api/v1/services HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let barrier = broken.hang.as_ref().expect("set above");
    barrier.wait();
    assert_eq!(ask(server.local_addr(), "GET", "/livez").status, 200);
    assert_eq!(ask(server.local_addr(), "GET", "/api/v1/services").status, 200);
    server.stop();
    assert!(client.receive("GET").is_none(), "cut off after the grace period");
    barrier.wait();
}

#[test]
fn a_panic_in_the_store_is_one_failed_answer() {
    let server = serve(Arc::new(Broken { hang: None, is_asked: AtomicBool::new(false) }));
    let mut client = Client::connect(server.local_addr());
    assert_eq!(client.ask("GET", "/api/v1/services").status, 500);
    assert_eq!(client.ask("GET", "/api/v1/services").status, 200);
}
