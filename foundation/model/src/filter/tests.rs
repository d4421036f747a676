//! The grammar against cases, and what must hold of any text.

use super::key::KEYS;
use super::{EndpointOf, Field, Fields, Filter, Key, Order, Rows};
use crate::entity::Entity;
use crate::view::{EdgeRow, EndpointRow, ExchangeRow, Red, ServiceRow};

fn exchange() -> ExchangeRow {
    ExchangeRow {
        id: 7,
        kind: "request".into(),
        protocol: "http1".into(),
        version: "1.1".into(),
        client: "10.0.0.2:51000".into(),
        server: "[::1]:8080".into(),
        side: "server".into(),
        operation: "GET".into(),
        target: "/cart/{id}".into(),
        status: "503".into(),
        error: true,
        duration_us: Some(150_000),
        ttfb_us: None,
        request_bytes: 120,
        response_bytes: 5_120,
        service: "cart".into(),
        peer: "web".into(),
        ..ExchangeRow::default()
    }
}

fn red() -> Red {
    Red {
        count: 1_000,
        errors: 20,
        rate: 16.7,
        error_ratio: 0.02,
        p50_us: Some(900.0),
        p95_us: Some(2_000.0),
        p99_us: Some(80_000.0),
    }
}

fn service() -> ServiceRow {
    let entity = Entity {
        name: "cart".into(),
        reason: "systemd unit".into(),
        unit: "cart.service".into(),
        listens: vec!["0.0.0.0:8080".into(), "10.0.0.1:53/udp".into()],
        ..Entity::default()
    };
    let protocols = vec!["http1".into(), "redis".into()];
    ServiceRow { entity, protocols, served: red(), coverage: 0.99, ..ServiceRow::default() }
}

/// Filters of an exchange, and whether they keep it.
const CASES: &[(&str, bool)] = &[
    ("", true),
    ("   ", true),
    ("service=cart", true),
    ("service=CART", true),
    ("service=car", false),
    ("service=car*", true),
    ("service~ar", true),
    ("service!~ar", false),
    ("service=web,cart", true),
    ("service!=web,cart", false),
    ("service!=web", true),
    ("service == cart", true),
    ("service=cart status>=500 latency>100ms", true),
    ("service=cart status>=500 latency>200ms", false),
    ("status=5xx", true),
    ("status=4xx,5xx", true),
    ("status=50X", true),
    ("status=4xx", false),
    ("status<500", false),
    ("status>=1000", false),
    ("status=503", true),
    ("latency=150ms", true),
    ("latency<=0.15s", true),
    ("duration>149999us", true),
    ("ttfb>0", false),
    ("!ttfb>0", true),
    ("ttfb!=1ms", true),
    ("response_bytes>=5KiB", true),
    ("response-bytes>5KiB", false),
    ("request_bytes<0.2kB", true),
    ("protocol=redis,http1", true),
    ("!protocol=redis", true),
    ("not protocol=redis", true),
    ("not not protocol=redis", false),
    ("error", true),
    ("error=true", true),
    ("error=no", false),
    ("!error", false),
    ("client_error", false),
    ("incomplete", false),
    ("!incomplete", true),
    ("incomplete=*", false),
    ("incomplete!=reset", true),
    ("method=GET path=/cart/*", true),
    ("target='/cart/{id}'", true),
    ("target=\"/cart/*\"", false),
    ("'art/{'", true),
    ("get", true),
    ("/cart", true),
    ("!checkout", true),
    ("checkout", false),
    ("g*t", true),
    ("\"g*t\"", false),
    ("server=8080", true),
    ("server=::1", true),
    ("server=[::1]:8080", true),
    ("client=10.0.0.2", true),
    ("client=10.0.0.*", true),
    ("client=51000", true),
    ("client=0.2", false),
    ("kind=request side=server", true),
    ("kind=push,session", false),
    ("version=1.1", true),
    ("10.0.0.2:51000", true),
];

#[test]
fn exchanges_are_kept_as_the_cases_say() {
    for (text, kept) in CASES {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.keeps(&exchange()), *kept, "{text}");
        assert_eq!(filter.is_empty(), text.trim().is_empty(), "{text}");
    }
}

#[test]
fn statuses_compare_only_with_as_many_digits() {
    let violation = ExchangeRow { status: "23505".into(), ..exchange() };
    let keeps = |text: &str| Filter::parse(text).is_ok_and(|filter| filter.keeps(&violation));
    assert!(!keeps("status>=500"));
    assert!(keeps("status>=10000"));
    assert!(!keeps("status=2xx"));
    assert!(keeps("status=23xxx"));
}

#[test]
fn a_request_without_an_answer_is_an_error() {
    let mut row = ExchangeRow { error: false, status: String::new(), ..exchange() };
    let filter = Filter::parse("error").expect("a filter");
    assert!(!filter.keeps(&row));
    for (reason, is_error) in [("timeout", true), ("reset", true), ("gap", false)] {
        row.incomplete = Some(reason.into());
        assert_eq!(filter.keeps(&row), is_error, "{reason}");
    }
}

#[test]
fn rows_that_add_up_exchanges_are_kept_as_the_cases_say() {
    let cases = [
        ("service=cart", true),
        ("protocol=redis", true),
        ("protocol!=redis", false),
        ("error", true),
        ("errors>=20 error_ratio>1%", true),
        ("error_rate>2%", false),
        ("latency>50ms", true),
        ("p95>50ms", false),
        ("count>=1k rate>10", true),
        ("coverage<1", true),
        ("coverage<99%", false),
        ("reason~unit", true),
        ("port=8080", true),
        ("port=53", true),
        ("port=808", false),
        ("cart.service", true),
    ];
    for (text, kept) in cases {
        let filter = Filter::parse_for(Rows::Services, text).expect(text);
        assert_eq!(filter.keeps(&service()), kept, "{text}");
    }
}

#[test]
fn a_mere_client_is_known_by_what_it_asked() {
    let row = ServiceRow { asked: red(), served: Red::default(), ..service() };
    assert!(Filter::parse("errors=20").expect("a filter").keeps(&row));
}

#[test]
fn errors_point_at_the_place_and_say_what_is_expected() {
    let cases = [
        ("servce=cart", 0, 6, "did you mean service?"),
        ("service=cart statsu=5", 13, 6, "did you mean status?"),
        ("colour=red", 0, 6, "there are service peer"),
        ("latency>100", 8, 3, "a duration such as 100ms"),
        ("latency>fast", 8, 4, "a duration such as 100ms"),
        ("latency>1ms,2ms", 11, 1, "compared with one value"),
        ("latency~1", 0, 8, "no text to search"),
        ("service>a", 0, 8, "has no order"),
        ("error>1", 0, 6, "has no order"),
        ("error=maybe", 6, 5, "true or false"),
        ("kind=reqest", 5, 6, "one of request session oneway push"),
        ("status>=OK", 8, 2, "a number such as 500"),
        ("service=", 8, 1, "a value is missing"),
        ("service=a,", 10, 1, "a value is missing"),
        ("service='a", 8, 1, "has no end"),
        ("'a", 0, 1, "has no end"),
        ("a !", 2, 1, "nothing follows"),
        ("not", 0, 3, "nothing follows"),
        ("a or b", 2, 2, "there is no `or`"),
        ("a and b", 2, 3, "need no `and`"),
        ("ü größe=1 latency>x", 18, 1, "a duration"),
    ];
    for (text, at, length, part) in cases {
        let error = Filter::parse(text).expect_err(text);
        assert_eq!((error.at, error.length), (at, length), "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
        assert!(error.to_string().ends_with(&format!("at column {}", at + 1)), "{error}");
    }
}

#[test]
fn an_error_is_pointed_at() {
    let text = "service=cart\tlatency>fast";
    let error = Filter::parse(text).expect_err("no duration");
    let drawn = "service=cart latency>fast\n                     ^^^^";
    assert_eq!(error.pointed(text), drawn);
}

#[test]
fn keys_of_other_rows_are_refused_where_the_rows_are_known() {
    let error = Filter::parse_for(Rows::Services, "cart status>=500").expect_err("no status");
    assert_eq!((error.at, error.length), (5, 11));
    assert!(error.message.starts_with("status is a key of exchanges; services have service"));
    // Where they are not, it keeps nothing.
    assert!(!Filter::parse("status>=500").expect("a filter").keeps(&service()));
}

#[test]
fn rows_are_ordered_as_asked_and_the_unknown_comes_last() {
    let row = |name: &str, count, p99_us| {
        let entity = Entity { name: name.into(), ..Entity::default() };
        ServiceRow { entity, served: Red { count, p99_us, ..red() }, ..ServiceRow::default() }
    };
    let rows = [row("b", 5, Some(9.0)), row("a", 7, None), row("c", 5, Some(1.0))];
    let cases = [
        ("", "bac"),
        ("name", "abc"),
        ("-service", "cba"),
        ("count,-service", "cba"),
        ("-count,service", "abc"),
        ("p99", "cba"),
        ("-p99", "bca"),
    ];
    for (text, expected) in cases {
        let order = Order::parse_for(Rows::Services, text).expect(text);
        let mut sorted = rows.clone();
        sorted.sort_by(|a, b| order.compare(a, b));
        let names: String = sorted.iter().map(|row| row.entity.name.as_str()).collect();
        assert_eq!(names, expected, "{text}");
    }
    for (text, at, part) in [
        ("-p98", 1, "did you mean p95?"),
        ("p99,status", 4, "services have no status"),
        ("p99,", 4, "unknown key"),
        ("p50,p95,p99,rate,count", 17, "at most 4"),
    ] {
        let error = Order::parse_for(Rows::Services, text).expect_err(text);
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

#[test]
fn long_filters_are_refused() {
    assert!(Filter::parse(&"a".repeat(1_025)).is_err());
    assert!(Filter::parse(&"a ".repeat(33)).is_err());
    assert!(Filter::parse(&format!("service={}", "a,".repeat(80))).is_err());
}

/// The table says which rows have a key; the rows answer.
#[test]
fn the_table_agrees_with_the_rows() {
    let (exchange, service, edge) = (exchange(), service(), EdgeRow::default());
    let (entity, row) = (Entity::default(), EndpointRow::default());
    let endpoint = EndpointOf { service: &entity, row: &row };
    let rows: [(Rows, &dyn Fields); 4] = [
        (Rows::Exchanges, &exchange),
        (Rows::Services, &service),
        (Rows::Edges, &edge),
        (Rows::Endpoints, &endpoint),
    ];
    for about in KEYS {
        assert_eq!(about.key.about().name, about.name);
        for (kind, row) in rows {
            let has = !matches!(row.field(about.key), Field::Absent);
            assert_eq!(has, about.rows.contains(&kind), "{} of {kind:?}", about.name);
        }
        for spelling in Key::spellings(about) {
            assert_eq!(Key::named(spelling), Some(about.key), "{spelling}");
        }
    }
}

#[test]
fn any_text_is_a_filter_or_an_error_within_it() {
    bolero::check!().with_type::<String>().for_each(|text| {
        let length = text.chars().count();
        match Filter::parse(text) {
            Ok(filter) => {
                // What was read once is read again, and looks at any row without a panic.
                assert_eq!(Filter::parse(filter.text()), Ok(filter.clone()));
                let kept = filter.keeps(&exchange());
                assert!(kept || !filter.is_empty());
                filter.keeps(&service());
            }
            Err(error) => {
                assert!(error.at <= length && error.length >= 1, "{error:?}");
                assert!(error.at + error.length <= length.max(error.at + 1), "{error:?}");
                error.pointed(text);
            }
        }
    });
}

#[test]
fn a_negated_term_keeps_exactly_what_the_term_does_not() {
    // Terms put together from parts that make sense, so that most of them are filters.
    const WORDS: [&str; 16] = [
        "service", "status", "latency", "=", "!=", ">", "~", "cart", "5xx", "100ms", ",", "*", "'",
        " ", "error", "web",
    ];
    bolero::check!().with_type::<Vec<u8>>().for_each(|picks| {
        let words = picks.iter().take(24).map(|pick| WORDS[usize::from(*pick) % WORDS.len()]);
        let text: String = words.collect();
        let (Ok(plain), Ok(negated)) = (Filter::parse(&text), Filter::parse(&format!("!{text}")))
        else {
            return;
        };
        if plain.terms() == 1 && negated.terms() == 1 {
            assert_ne!(plain.keeps(&exchange()), negated.keeps(&exchange()), "{text}");
        }
    });
}
