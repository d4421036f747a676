//! `docs/configuration.md` from the table; a test holds the committed page to it.

use super::table::{SETTINGS, Setting};

/// What stands above the settings.
const HEAD: &str = include_str!("page.md");

/// The whole page.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n| key | default | variable | flag |\n|---|---|---|---|\n");
    for setting in SETTINGS {
        page.push_str(&format!(
            "| [`{key}`](#{anchor}) | {default} | `{variable}` | `--{flag}` |\n",
            key = setting.key,
            anchor = setting.key.replace('.', ""),
            default = quoted(setting),
            variable = setting.variable(),
            flag = setting.flag,
        ));
    }
    for setting in SETTINGS {
        let expected = setting.kind.expected();
        page.push_str(&format!("\n### {}\n{}.", setting.key, setting.summary));
        if !setting.detail.is_empty() {
            page.push_str(&format!(" {}", setting.detail));
        }
        page.push_str(&format!("\n\nTakes {expected}. Default: {}.\n", quoted(setting)));
    }
    page
}

fn quoted(setting: &Setting) -> String {
    match setting.default {
        "" => "none".to_owned(),
        default => format!("`{default}`"),
    }
}
