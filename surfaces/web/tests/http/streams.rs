//! Exchanges as server-sent events.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::{Client, ask};
use crate::fake::{Fake, serve};

/// A stream, its head read. HTTP/1.0 keeps the chunks' sizes out of the text.
fn open(address: SocketAddr, target: &str, header: &str) -> Client {
    let mut client = Client::connect(address);
    let head = format!("GET {target} HTTP/1.0\r\nAccept: text/event-stream\r\n{header}\r\n");
    client.send(head.as_bytes());
    let mut lines = std::iter::from_fn(|| client.next_line());
    let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    assert!(head[0].contains(" 200 "), "{head:?}");
    assert!(head.iter().any(|line| line == "content-type: text/event-stream"), "{head:?}");
    assert_eq!(client.next_line().as_deref(), Some("retry: 2000"));
    assert_eq!(client.next_line().as_deref(), Some(""));
    client
}

/// The lines of the next event.
fn event(client: &mut Client) -> Vec<String> {
    std::iter::from_fn(|| client.next_line()).take_while(|line| !line.is_empty()).collect()
}

#[test]
fn a_stream_begins_now_and_goes_on() {
    let fake = Arc::new(Fake::ready());
    let server = serve(fake.clone());
    let mut client = open(server.local_addr(), "/api/v1/exchanges?filter=status%3D5xx", "");
    fake.last_exchange.store(13, Ordering::Relaxed);
    for id in [11, 13] {
        let lines = event(&mut client);
        assert_eq!(lines[0], format!("id: {id}"));
        let json = lines[1].strip_prefix("data: ").expect("a data line");
        let row: serde_json::Value = serde_json::from_str(json).expect("JSON");
        assert_eq!((&row["id"], &row["status"]), (&id.into(), &"503".into()));
    }
    fake.last_exchange.store(15, Ordering::Relaxed);
    assert_eq!(event(&mut client)[0], "id: 15");
}

#[test]
fn a_stream_begins_with_the_newest_if_asked_and_where_it_broke_off() {
    let server = serve(Arc::new(Fake::ready()));
    let mut client = open(server.local_addr(), "/api/v1/exchanges?limit=2", "");
    assert_eq!(event(&mut client)[0], "id: 9");
    let target = "/api/v1/exchanges?after=2";
    let mut client = open(server.local_addr(), target, "");
    assert_eq!(event(&mut client)[0], "id: 3");
    let mut client = open(server.local_addr(), target, "Last-Event-ID: 7\r\n");
    assert_eq!(event(&mut client)[0], "id: 8");
    let mut client = Client::connect(server.local_addr());
    let head = format!("GET {target} HTTP/1.0\r\nAccept: text/event-stream\r\nLast-Event-ID: x");
    client.send(format!("{head}\r\n\r\n").as_bytes());
    assert_eq!(client.receive("GET").expect("an answer").status, 400);
}

#[test]
fn what_a_stream_missed_is_an_event() {
    let fake = Arc::new(Fake::ready());
    let server = serve(fake.clone());
    let mut client = open(server.local_addr(), "/api/v1/exchanges", "");
    fake.missed.store(42, Ordering::Relaxed);
    assert_eq!(event(&mut client), ["event: missed", "data: {\"missed\":42}"]);
}

#[test]
fn one_stream_too_many_is_refused() {
    let server = serve(Arc::new(Fake::ready()));
    let address = server.local_addr();
    let streams: Vec<Client> = (0..16).map(|_| open(address, "/api/v1/exchanges", "")).collect();
    let mut client = Client::connect(address);
    client.send(b"GET /api/v1/exchanges HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n");
    let answer = client.receive("GET").expect("an answer");
    assert_eq!(answer.status, 503);
    assert!(answer.error().contains("16 streams are open"), "{}", answer.body);
    drop(streams);
    // Their places are given back as soon as the server sees them gone.
    loop {
        let mut client = Client::connect(address);
        client.send(b"GET /api/v1/exchanges HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n");
        if client.next_line().is_some_and(|line| line.contains(" 200 ")) {
            break;
        }
    }
}

#[test]
fn streams_that_nobody_reads_slow_nobody_and_hold_nothing() {
    let fake = Arc::new(Fake::ready());
    fake.last_exchange.store(u64::MAX / 2, Ordering::Relaxed);
    let server = serve(fake.clone());
    let target = "/api/v1/exchanges?after=1&limit=4096";
    let sleepers: Vec<Client> = (0..8).map(|_| open(server.local_addr(), target, "")).collect();
    // Once the sockets are full, no more is asked for, so the questions come to an end.
    let questions = || fake.asked.lock().expect("no panic").len();
    let (mut before, mut same) = (0, 0);
    while same < 50 {
        assert_eq!(ask(server.local_addr(), "GET", "/livez").status, 200);
        let now = questions();
        same = if now == before { same + 1 } else { 0 };
        before = now;
    }
    drop(sleepers);
}

#[test]
fn stopping_ends_streams() {
    let server = serve(Arc::new(Fake::ready()));
    let mut client = open(server.local_addr(), "/api/v1/exchanges", "");
    server.stop();
    assert_eq!(client.next_line(), None);
}
