//! Lines are what the contract says, and read back as they were meant.

use model::view::TlsRow;
use model::{
    EndpointId, Exchange, Family, Incomplete, Kind, ProtocolInfo, ShortText, Status, Timestamp,
    Wire,
};
use serde_json::{Value, json};

use super::*;

static HTTP: ProtocolInfo = ProtocolInfo {
    name: "http1",
    family: Family::Http,
    system: "",
    specification: "RFC 9112",
    ports: &[80],
};

fn exchange() -> Exchange {
    Exchange {
        protocol: &HTTP,
        version: ShortText::new("1.1"),
        kind: Kind::Request,
        endpoint: EndpointId(1),
        status: Status { code: ShortText::new("200"), error: false, client_error: false },
        start: Timestamp(1_700_000_000_000_000_900),
        duration_ns: Some(1_234_200),
        ttfb_ns: Some(900_000),
        request_bytes: 120,
        response_bytes: 5_120,
        incomplete: None,
        wire: None,
    }
}

fn line(exchange: &Exchange) -> Line<'_> {
    Line {
        exchange,
        operation: "GET",
        target: "/cart/{id}",
        client: "10.0.0.7:40000".parse().expect("a literal"),
        server: "[::1]:80".parse().expect("a literal"),
        side: Scope::Both,
        tls: None,
        service: "shop",
        peer: "web",
        raw: false,
    }
}

fn written(line: &Line<'_>) -> Value {
    let mut out = Vec::new();
    write_exchange(&mut out, line);
    assert_eq!(out.pop(), Some(b'\n'));
    assert!(!out.contains(&b'\n'), "one line an exchange");
    serde_json::from_slice(&out).expect("the line is JSON")
}

#[test]
fn a_line_is_as_the_contract_says() {
    let expected: Value =
        serde_json::from_str(include_str!("cases/whole.json")).expect("the case is JSON");
    assert_eq!(written(&line(&exchange())), expected);
}

#[test]
fn fields_come_in_the_order_of_the_contract() {
    let mut out = Vec::new();
    write_exchange(&mut out, &line(&exchange()));
    assert_eq!(String::from_utf8_lossy(&out), include_str!("cases/whole.json"));
}

#[test]
fn what_is_not_known_is_null() {
    let mut unanswered = exchange();
    unanswered.duration_ns = None;
    unanswered.ttfb_ns = None;
    unanswered.start = Timestamp::UNKNOWN;
    unanswered.incomplete = Some(Incomplete::MidStream);
    let value = written(&line(&unanswered));
    for name in ["duration_us", "ttfb_us", "start_us", "tls"] {
        assert_eq!(value[name], Value::Null, "{name}");
    }
    assert_eq!(value["incomplete"], "mid-stream");
}

#[test]
fn tls_is_an_object_where_it_was_opened() {
    let tls = TlsRow { version: "1.3".into(), sni: "shop".into(), alpn: "h2".into() };
    let one = exchange();
    let value = written(&Line { tls: Some(&tls), ..line(&one) });
    assert_eq!(value["tls"], json!({"version": "1.3", "sni": "shop", "alpn": "h2"}));
    let row = exchange_row(1, &Line { tls: Some(&tls), ..line(&one) });
    assert_eq!(row.tls, Some(tls));
}

#[test]
fn durations_are_differences_of_whole_microseconds() {
    // 900 ns into its microsecond, 200 ns later is the next one.
    let mut quick = exchange();
    quick.duration_ns = Some(200);
    quick.ttfb_ns = Some(99);
    let value = written(&line(&quick));
    assert_eq!((&value["duration_us"], &value["ttfb_us"]), (&json!(1), &json!(0)));
}

#[test]
fn every_character_survives_the_way_through_json() {
    let every: String = (0..0x300).filter_map(char::from_u32).collect();
    let target = format!("{every}\u{2028}\u{FFFD}🦀");
    let one = exchange();
    let mut line = line(&one);
    line.target = &target;
    line.operation = "\\\"";
    let value = written(&line);
    assert_eq!(value["target"], Value::String(target.clone()));
    assert_eq!(value["operation"], "\\\"");
}

#[test]
fn the_wires_own_words_need_raw() {
    let mut one = exchange();
    let wire =
        Wire { operation: "GET".into(), target: Some("/cart/7?token=secret".into()), status: None };
    one.wire = Some(Box::new(wire));
    let value = written(&line(&one));
    assert!(value.get("wire_target").is_none());
    let raw = Line { raw: true, ..line(&one) };
    let value = written(&raw);
    assert_eq!(value["wire_operation"], "GET");
    assert_eq!(value["wire_target"], "/cart/7?token=secret");
    assert_eq!(value["wire_status"], Value::Null);
}

#[test]
fn a_row_says_what_its_line_says() {
    let mut broken = exchange();
    broken.incomplete = Some(Incomplete::Timeout);
    (broken.duration_ns, broken.ttfb_ns, broken.start) = (None, None, Timestamp::UNKNOWN);
    for exchange in [exchange(), broken] {
        let row = serde_json::to_value(exchange_row(7, &line(&exchange))).expect("a row is JSON");
        let mut expected = written(&line(&exchange));
        expected["id"] = json!(7);
        assert_eq!(row, expected);
    }
}

/// `tail --json` prints rows: without the number, they are the lines of `--json` byte for byte.
#[test]
fn a_row_has_the_fields_of_its_line_in_the_same_order() {
    let row = exchange_row(7, &line(&exchange()));
    let text = serde_json::to_string(&row).expect("a row is JSON");
    let mut expected = Vec::new();
    write_exchange(&mut expected, &line(&exchange()));
    let expected = String::from_utf8(expected).expect("JSON is text");
    assert_eq!(text.replacen("\"id\":7,", "", 1), expected.trim_end());
}
