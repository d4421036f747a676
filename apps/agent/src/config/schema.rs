//! JSON Schema of the file, for editors and for those who write it by program.

use serde_json::{Map, Value, json};

use super::table::SETTINGS;

/// The schema (draft 2020-12). References to variables (`${PORT}`) are allowed everywhere.
pub(crate) fn schema() -> Value {
    let mut top = Map::new();
    let mut sections: Map<String, Value> = Map::new();
    for setting in SETTINGS {
        let mut schema = json!({ "description": description(setting) });
        let reference = json!({"type": "string", "pattern": r"\$\{[^}]+\}"});
        schema["anyOf"] = json!([setting.kind.schema(), reference, {"type": "null"}]);
        if !setting.default.is_empty() {
            schema["default"] = default(setting.default);
        }
        match setting.key.split_once('.') {
            None => {
                top.insert(setting.key.to_owned(), schema);
            }
            Some((section, name)) => {
                let entry = sections.entry(section).or_insert_with(
                    || json!({"type": "object", "additionalProperties": false, "properties": {}}),
                );
                entry["properties"][name] = schema;
            }
        }
    }
    top.extend(sections);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Redsight configuration",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": top,
    })
}

fn description(setting: &super::table::Setting) -> String {
    let text = format!("{}. {}", setting.summary, setting.detail);
    format!("{} Variable: {}.", text.trim(), setting.variable())
}

fn default(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}
