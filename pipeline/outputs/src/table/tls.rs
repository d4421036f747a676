//! TLS engines as a list: which process has which, and how its secrets are had.

use model::view::TlsEngineRow;

use super::columns::{Align, Columns};

/// Stands where there is nothing.
const NOTHING: &str = "-";

/// One line an engine of a process, with titles above.
pub fn tls_table(rows: &[TlsEngineRow], width: usize) -> String {
    let mut columns = Columns::new([
        ("SERVICE", Align::Left),
        ("PID", Align::Right),
        ("ENGINE", Align::Left),
        ("VERSION", Align::Left),
        ("SECRETS BY", Align::Left),
        ("FILE", Align::Left),
        ("BUT", Align::Left),
    ]);
    for row in rows {
        columns.push([
            or_nothing(&row.service),
            row.pid.to_string(),
            or_nothing(&row.engine),
            or_nothing(&row.version),
            row.way.as_str().to_owned(),
            or_nothing(&row.file),
            or_nothing(row.reason.as_deref().unwrap_or_default()),
        ]);
    }
    columns.render(width)
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use model::view::KeyWay;

    use super::*;

    #[test]
    fn an_engine_with_a_probe_and_one_without() {
        let row = |service: &str, engine: &str, way, reason: Option<&str>| TlsEngineRow {
            pid: 7,
            service: service.to_owned(),
            engine: engine.to_owned(),
            file: format!("/lib/{engine}.so"),
            way,
            reason: reason.map(str::to_owned),
            ..TlsEngineRow::default()
        };
        let openssl = row("web", "OpenSSL", KeyWay::Anchor, None);
        let openssl = TlsEngineRow { version: "3.0.19".to_owned(), ..openssl };
        let nss = row("", "NSS", KeyWay::None, Some("an object"));
        let expected = "\
SERVICE  PID  ENGINE   VERSION  SECRETS BY  FILE             BUT
web        7  OpenSSL  3.0.19   anchor      /lib/OpenSSL.so  -
-          7  NSS      -        none        /lib/NSS.so      an object
";
        assert_eq!(tls_table(&[openssl, nss], 200), expected);
    }
}
