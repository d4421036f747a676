//! `/`: a page that links the resources, until the web page takes its place.

use axum::response::Html;

use super::router::{RESOURCES, Resource};

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\"><title>Redsight</title>\
    <style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;\
    max-width:46rem;margin:3rem auto;padding:0 1rem}dt{font-family:ui-monospace,monospace}\
    dd{margin:0 0 .6rem 1.5rem}</style><h1>Redsight</h1>\
    <p>Rate, errors and duration of every service on this host. \
    In a terminal: <code>redsight top</code>.</p><dl>";

const FOOT: &str = "</dl><p>JSON answers cover the last 60 seconds; <code>?window=300</code> \
    covers five minutes, <code>?window=0</code> everything since the start.</p></html>\n";

/// Nothing here comes from observed traffic, so nothing needs escaping.
pub(super) async fn answer() -> Html<String> {
    let mut page = String::from(HEAD);
    for Resource { path, purpose, parameters } in RESOURCES {
        page.push_str(&format!("<dt><a href=\"{path}\">{path}</a>"));
        if !parameters.is_empty() {
            page.push_str(&format!(" <small>?{}</small>", parameters.join(" &amp; ")));
        }
        page.push_str(&format!("</dt><dd>{purpose}</dd>\n"));
    }
    page.push_str(FOOT);
    Html(page)
}
