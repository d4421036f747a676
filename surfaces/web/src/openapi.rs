//! Describes `/api/v1` in OpenAPI 3.1, from the table of resources and the types of the answers.
//!
//! `surfaces/web/openapi.json` is what is served; the test here says when it is no longer true.

use std::path::Path;

use model::filter::key::KEYS;
use model::filter::{Order, Rows};
use model::view::{Exchanges, HealthReport, Snapshot, TlsReport};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::limits::{EXCHANGES_DEFAULT, EXCHANGES_MAX, ROWS_DEFAULT, ROWS_MAX};
use crate::limits::{WINDOW_DEFAULT_S, WINDOW_MAX_S};
use crate::problem::Body;
use crate::routes::exchanges::STREAM;
use crate::routes::router::{RESOURCES, Resource};
use crate::routes::{edges, endpoints, ledger, services};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

/// Which rows a list is made of; they say what can be filtered and sorted.
fn rows(path: &str) -> Rows {
    match path {
        "/api/v1/edges" => Rows::Edges,
        "/api/v1/endpoints" => Rows::Endpoints,
        "/api/v1/exchanges" => Rows::Exchanges,
        _ => Rows::Services,
    }
}

/// The answer of a resource, as a reference into the schemas.
fn answer(path: &str, schemas: &mut SchemaGenerator) -> Value {
    let schema = match path {
        "/api/v1/services" => schemas.subschema_for::<services::Services>(),
        "/api/v1/edges" => schemas.subschema_for::<edges::Edges>(),
        "/api/v1/endpoints" => schemas.subschema_for::<endpoints::Endpoints>(),
        "/api/v1/exchanges" => schemas.subschema_for::<Exchanges>(),
        "/api/v1/ledger" => schemas.subschema_for::<ledger::Account>(),
        "/api/v1/health" => schemas.subschema_for::<HealthReport>(),
        "/api/v1/tls" => schemas.subschema_for::<TlsReport>(),
        "/api/v1/snapshot" => schemas.subschema_for::<Snapshot>(),
        "/api/v1/openapi.json" => return json!({"type": "object"}),
        _ => panic!("{path} has no schema: add it here"),
    };
    schema.to_value()
}

fn parameter(name: &str, path: &str) -> Value {
    let rows = rows(path);
    let is_list = rows != Rows::Exchanges;
    let (description, schema) = match name {
        "window" => (
            "Seconds the answer covers; 0 means since the start.".to_owned(),
            json!({"type": "number", "minimum": 0, "maximum": WINDOW_MAX_S,
                   "default": WINDOW_DEFAULT_S}),
        ),
        "filter" => (
            "Which rows to keep: `key=value` and the like, all of which must hold. docs/filters.md \
             has the grammar."
                .to_owned(),
            json!({"type": "string", "maxLength": 1024, "default": ""}),
        ),
        "sort" => (
            "Keys to sort by, separated by commas; `-` puts the greatest first. Without it, the \
             busiest come first."
                .to_owned(),
            json!({"type": "string", "pattern": sort_pattern(rows)}),
        ),
        "limit" if is_list => (
            "Rows of one page.".to_owned(),
            json!({"type": "integer", "minimum": 1, "maximum": ROWS_MAX,
                   "default": ROWS_DEFAULT}),
        ),
        "limit" => (
            format!(
                "Exchanges in the answer, {EXCHANGES_DEFAULT} if not given; of a stream, how many \
                 of the newest come first, none if not given."
            ),
            json!({"type": "integer", "minimum": 0, "maximum": EXCHANGES_MAX}),
        ),
        "offset" => (
            "Rows before the page.".to_owned(),
            json!({"type": "integer", "minimum": 0, "maximum": u32::MAX, "default": 0}),
        ),
        "after" => (
            "Only exchanges with a higher number, oldest first: `next` of the answer before. \
             Without it, the newest."
                .to_owned(),
            json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}),
        ),
        _ => panic!("{name} is not described: add it here"),
    };
    json!({"name": name, "in": "query", "description": description, "schema": schema})
}

/// Every key the rows have, up to four of them.
fn sort_pattern(rows: Rows) -> String {
    let has = KEYS.iter().filter(|about| about.rows.contains(&rows));
    let names: Vec<&str> = has.map(|about| about.name).collect();
    let key = format!("-?({})", names.join("|"));
    format!("^({key}(,{key}){{0,3}})?$")
}

fn operation(resource: &Resource, schemas: &mut SchemaGenerator) -> Value {
    let path = resource.path;
    let name = path.trim_start_matches("/api/v1/").trim_end_matches(".json");
    let parameters = resource.parameters.iter().map(|name| parameter(name, path));
    let mut parameters: Vec<Value> = parameters.collect();
    let mut content = Map::new();
    let schema = answer(path, schemas);
    content.insert("application/json".to_owned(), json!({"schema": schema}));
    if rows(path) == Rows::Exchanges {
        content.insert(
            STREAM.to_owned(),
            json!({"schema": {"type": "string", "description": "Server-sent events: one an \
                exchange, with its number as id; `missed` events say how many were not shown."}}),
        );
        parameters.push(json!({"name": "Last-Event-ID", "in": "header",
            "description": "The last event of a stream before it broke; goes before `after`.",
            "schema": {"type": "integer", "minimum": 0, "maximum": u64::MAX}}));
    }
    json!({"get": {
        "operationId": name,
        "summary": resource.purpose,
        "parameters": parameters,
        "responses": {
            "200": {"description": "The answer.", "content": content},
            "400": {"$ref": "#/components/responses/Problem"},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }})
}

fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    let mut schemas = settings.into_generator();
    let described = RESOURCES.iter().filter(|resource| resource.path.starts_with("/api/"));
    let paths: Map<String, Value> = described
        .map(|resource| (resource.path.to_owned(), operation(resource, &mut schemas)))
        .collect();
    let problem = schemas.subschema_for::<Body<'_>>().to_value();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Redsight",
            "version": "1",
            "summary": "Rate, errors and duration of every service on this host.",
            "description": "Read only. Numbers that are not known are null, never 0.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:9464"}],
        "paths": paths,
        "components": {
            "responses": {"Problem": {
                "description": "Why there is no answer, and what would be accepted.",
                "content": {"application/json": {"schema": problem}},
            }},
            "schemas": schemas.take_definitions(true),
        },
    })
}

#[test]
fn the_committed_description_is_true() {
    let mut expected = serde_json::to_string_pretty(&document()).expect("JSON");
    expected.push('\n');
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(Path::new(PATH), expected).expect("openapi.json can be written");
        return;
    }
    let found = std::fs::read_to_string(PATH).expect("openapi.json is there");
    let remedy = "BLESS=1 cargo test -p redsight-web openapi";
    assert!(found == expected, "openapi.json is not what is served; write it anew: {remedy}");
}

#[test]
fn what_the_description_says_of_sorting_is_accepted() {
    for rows in Rows::ALL {
        for about in KEYS.iter().filter(|about| about.rows.contains(&rows)) {
            assert!(Order::parse_for(rows, &format!("-{}", about.name)).is_ok(), "{}", about.name);
        }
    }
}
