//! What each resource answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::view::Snapshot;

use crate::client::{Client, ask};
use crate::fake::{Fake, picture, serve};

#[test]
fn every_resource_answers_with_its_type() {
    let server = serve(Arc::new(Fake::ready()));
    let cases = [
        ("/", "text/html; charset=utf-8"),
        ("/livez", "text/plain; charset=utf-8"),
        ("/readyz", "text/plain; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/api/v1/services", "application/json"),
        ("/api/v1/edges", "application/json"),
        ("/api/v1/endpoints", "application/json"),
        ("/api/v1/exchanges", "application/json"),
        ("/api/v1/ledger", "application/json"),
        ("/api/v1/health", "application/json"),
        ("/api/v1/tls", "application/json"),
        ("/api/v1/snapshot", "application/json"),
        ("/api/v1/openapi.json", "application/json"),
    ];
    let index = ask(server.local_addr(), "GET", "/").body;
    for (path, content_type) in cases {
        let answer = ask(server.local_addr(), "GET", path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(path == "/" || index.contains(&format!("href=\"{path}\"")), "no link to {path}");
    }
}

#[test]
fn livez_and_metrics_are_passed_on_as_they_are() {
    let fake = Arc::new(Fake::ready());
    let server = serve(fake.clone());
    assert_eq!(ask(server.local_addr(), "GET", "/livez").body, "ok\n");
    assert_eq!(ask(server.local_addr(), "GET", "/metrics").body, fake.exposition);
}

#[test]
fn metrics_come_in_the_form_that_is_accepted() {
    let server = serve(Arc::new(Fake::ready()));
    let prometheus = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
        encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,\
        text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let cases = [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0;"),
        (prometheus, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily;"),
    ];
    for (accept, content_type) in cases {
        let mut client = Client::connect(server.local_addr());
        let head = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n");
        client.send(head.as_bytes());
        let answer = client.receive("GET").expect("an answer");
        let found = answer.header("content-type").expect("a type");
        assert!(found.starts_with(content_type), "{accept}: {found}");
    }
}

#[test]
fn readyz_says_what_is_in_the_way() {
    let fake = Arc::new(Fake::ready());
    let server = serve(fake.clone());
    assert_eq!(ask(server.local_addr(), "GET", "/readyz").status, 200);
    fake.is_ready.store(false, Ordering::Relaxed);
    let answer = ask(server.local_addr(), "GET", "/readyz");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, "not ready\nwire tap: no CAP_BPF (run as root)\n");
}

#[test]
fn a_snapshot_arrives_as_it_was_sent() {
    let server = serve(Arc::new(Fake::ready()));
    let answer = ask(server.local_addr(), "GET", "/api/v1/snapshot?window=5");
    let read: Snapshot = serde_json::from_str(&answer.body).expect("a snapshot");
    assert_eq!(read, picture(5.0));
}

#[test]
fn lists_carry_their_time_and_window() {
    let server = serve(Arc::new(Fake::ready()));
    for list in ["services", "edges", "endpoints"] {
        let answer = ask(server.local_addr(), "GET", &format!("/api/v1/{list}?window=7.5"));
        let json = answer.json();
        assert_eq!(json["at_us"], 1_700_000_000_000_000_u64, "{list}");
        assert_eq!(json["window_s"], 7.5, "{list}");
        assert!(json[list].as_array().is_some_and(|rows| !rows.is_empty()), "{list}");
    }
}

#[test]
fn endpoints_name_their_service() {
    let server = serve(Arc::new(Fake::ready()));
    let json = ask(server.local_addr(), "GET", "/api/v1/endpoints").json();
    assert_eq!(json["endpoints"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["endpoints"][1]["service"], "shop");
    assert_eq!(json["endpoints"][1]["operation"], "POST");
    assert_eq!(json["endpoints"][1]["red"]["count"], 120);
}

#[test]
fn the_ledger_shows_its_sum_and_its_services() {
    let server = serve(Arc::new(Fake::ready()));
    let json = ask(server.local_addr(), "GET", "/api/v1/ledger").json();
    assert_eq!(json["total"]["seen"], 1_000);
    assert_eq!(json["total"]["lost"], 50);
    assert_eq!(json["total"]["coverage"], 0.95);
    assert_eq!(json["total"]["adds_up"], true);
    assert_eq!(json["services"][0]["service"], "shop");
    assert_eq!(json["services"][0]["parsed"], 900);
}

#[test]
fn health_says_what_to_do_and_what_the_agent_costs() {
    let server = serve(Arc::new(Fake::ready()));
    let json = ask(server.local_addr(), "GET", "/api/v1/health").json();
    assert_eq!(json["health"][1]["state"], "refused");
    assert_eq!(json["health"][1]["remedy"], "run as root");
    assert_eq!(json["agent"]["memory_bytes"], 30 << 20);
}

#[test]
fn the_window_reaches_the_store() {
    let fake = Arc::new(Fake::ready());
    let server = serve(fake.clone());
    for target in ["/api/v1/services", "/api/v1/edges?window=0", "/api/v1/ledger?window=300"] {
        assert_eq!(ask(server.local_addr(), "GET", target).status, 200, "{target}");
    }
    assert_eq!(*fake.windows.lock().expect("no panic"), [60.0, 0.0, 300.0]);
}

#[test]
fn bad_parameters_are_refused_with_what_is_accepted() {
    let server = serve(Arc::new(Fake::ready()));
    let cases = [
        ("services?window=", "seconds from 0 to 86400"),
        ("services?window=-1", "seconds from 0 to 86400"),
        ("services?window=1m", "seconds from 0 to 86400"),
        ("snapshot?window=nan", "seconds from 0 to 86400"),
        ("ledger?window=1&window=2", "window is given twice"),
        ("services?wndow=1", "did you mean window? there are window filter sort limit offset"),
        ("services?filter=servce%3Da", "did you mean service?, at column 1"),
        ("edges?filter=coverage%3E1", "edges have service peer"),
        ("endpoints?sort=-p98", "did you mean p95?, at column 2"),
        ("edges?limit=0", "a whole number from 1 to 10000"),
        ("edges?offset=-1", "a whole number from 0"),
        ("health?window=60", "there is none here"),
        ("openapi.json?x=1", "there is none here"),
        ("snapshot?filter=x", "there are window"),
    ];
    for (target, part) in cases {
        let answer = ask(server.local_addr(), "GET", &format!("/api/v1/{target}"));
        assert_eq!(answer.status, 400, "{target}");
        assert!(answer.error().contains(part), "{target}: {}", answer.body);
    }
}

#[test]
fn lists_are_filtered_sorted_and_paged() {
    let server = serve(Arc::new(Fake::ready()));
    let page = |target: &str| ask(server.local_addr(), "GET", target).json();
    let json = page("/api/v1/services?sort=name&limit=1");
    assert_eq!(json["services"][0]["entity"]["name"], "shop");
    assert_eq!((&json["matched"], &json["offset"]), (&2.into(), &0.into()));
    let rest = page(&format!("/api/v1/services?sort=name&offset={}", json["next_offset"]));
    assert_eq!(rest["services"][0]["entity"]["name"], "web");
    assert!(rest["next_offset"].is_null());
    assert_eq!(page("/api/v1/services?filter=service%3Dweb")["matched"], 1);
    assert_eq!(page("/api/v1/edges?filter=peer%3Dweb+rtt%3C1ms")["matched"], 1);
    assert_eq!(page("/api/v1/edges?filter=error_ratio%3E5%25")["matched"], 0);
    let json = page("/api/v1/endpoints?filter=method%3DPOST+service%3Dshop");
    assert_eq!((&json["matched"], &json["endpoints"][0]["operation"]), (&1.into(), &"POST".into()));
    let json = page("/api/v1/ledger?filter=service%3Dweb");
    assert_eq!((&json["matched"], &json["total"]["seen"]), (&1.into(), &1_000.into()));
}

#[test]
fn unknown_paths_and_methods_are_refused_in_json() {
    let server = serve(Arc::new(Fake::ready()));
    let answer = ask(server.local_addr(), "GET", "/api/v2/services");
    assert_eq!(answer.status, 404);
    assert!(answer.error().contains("/api/v1/services"), "{}", answer.body);
    for method in ["POST", "DELETE", "OPTIONS"] {
        let answer = ask(server.local_addr(), method, "/api/v1/services");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method}");
        assert!(answer.error().contains(method), "{}", answer.body);
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = serve(Arc::new(Fake::ready()));
    let mut client = Client::connect(server.local_addr());
    for path in ["/livez", "/metrics", "/api/v1/services", "/nothing"] {
        let get = client.ask("GET", path);
        let head = client.ask("HEAD", path);
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
    }
}

#[test]
fn one_connection_serves_many_requests_and_a_pipeline() {
    let server = serve(Arc::new(Fake::ready()));
    let mut client = Client::connect(server.local_addr());
    for _ in 0..3 {
        assert_eq!(client.ask("GET", "/livez").status, 200);
    }
    let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.send(request.repeat(5).as_bytes());
    for _ in 0..5 {
        assert_eq!(client.receive("GET").expect("an answer").status, 200);
    }
}

#[test]
fn exchanges_are_asked_for_as_the_parameters_say() {
    let fake = Arc::new(Fake::ready());
    let server = serve(fake.clone());
    let target = "/api/v1/exchanges?after=3&limit=2&filter=status%3E%3D500";
    let json = ask(server.local_addr(), "GET", target).json();
    let ids: Vec<_> = json["rows"].as_array().expect("rows").iter().map(|r| &r["id"]).collect();
    assert_eq!(ids, [5, 7]);
    assert_eq!((&json["next"], &json["missed"]), (&7.into(), &0.into()));
    assert_eq!(ask(server.local_addr(), "GET", "/api/v1/exchanges").status, 200);
    let asked = fake.asked.lock().expect("no panic");
    assert_eq!((asked[0].after, asked[0].limit), (Some(3), 2));
    assert_eq!((asked[1].after, asked[1].limit), (None, 100));
}

#[test]
fn exchanges_refuse_what_they_do_not_know() {
    let server = serve(Arc::new(Fake::ready()));
    let cases = [
        ("after=-1", "a whole number from 0"),
        ("limit=4097", "a whole number from 0 to 4096"),
        ("filter=latency%3E100", "a duration such as 100ms"),
        ("filter=coverage%3E1", "coverage is a key of services"),
        ("fliter=x", "did you mean filter? there are after filter limit"),
        ("window=60", "there are after filter limit"),
    ];
    for (query, part) in cases {
        let answer = ask(server.local_addr(), "GET", &format!("/api/v1/exchanges?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.error().contains(part), "{query}: {}", answer.body);
    }
}
