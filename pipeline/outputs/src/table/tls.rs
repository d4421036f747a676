//! Who speaks TLS as a list: by which engine, how its secrets are had, what was opened; and what
//! handshakes agreed on.

use model::view::{TlsEngine, TlsProcess, TlsTerms};

use super::columns::{Align, Columns};

/// Stands where there is nothing.
const NOTHING: &str = "-";

/// One line an engine of a process, with titles above; what is the process's stands in the first.
pub fn tls_table(processes: &[TlsProcess], width: usize) -> String {
    let mut columns = Columns::new([
        ("SERVICE", Align::Left),
        ("PID", Align::Right),
        ("OPENED", Align::Right),
        ("SEALED", Align::Right),
        ("ENGINE", Align::Left),
        ("VERSION", Align::Left),
        ("SECRETS BY", Align::Left),
        ("FILE", Align::Left),
        ("BUT", Align::Left),
    ]);
    let unknown = [TlsEngine::default()];
    for process in processes {
        let engines = if process.engines.is_empty() { &unknown[..] } else { &process.engines };
        for (number, engine) in engines.iter().enumerate() {
            columns.push(cells(process, engine, number == 0));
        }
    }
    columns.render(width)
}

/// One line for whatever handshakes of a process agreed on, with titles above; empty if there was
/// none.
pub fn tls_terms_table(processes: &[TlsProcess], width: usize) -> String {
    if processes.iter().all(|process| process.terms.is_empty()) {
        return String::new();
    }
    let mut columns = Columns::new([
        ("SERVICE", Align::Left),
        ("PID", Align::Right),
        ("AS", Align::Left),
        ("HANDSHAKES", Align::Right),
        ("TLS", Align::Left),
        ("CIPHER", Align::Left),
        ("SNI", Align::Left),
        ("ALPN", Align::Left),
        ("CERTIFICATE", Align::Left),
    ]);
    for process in processes {
        process.terms.iter().for_each(|terms| columns.push(agreed(process, terms)));
    }
    columns.render(width)
}

fn agreed(process: &TlsProcess, terms: &TlsTerms) -> [String; 9] {
    let holder = if terms.subject.is_empty() { terms.names.first() } else { Some(&terms.subject) };
    [
        or_nothing(&process.service),
        process.pid.to_string(),
        terms.role.clone(),
        terms.handshakes.to_string(),
        or_nothing(&terms.version),
        or_nothing(&terms.cipher),
        or_nothing(&terms.sni),
        or_nothing(&terms.alpn),
        or_nothing(holder.map_or("", String::as_str)),
    ]
}

fn cells(process: &TlsProcess, engine: &TlsEngine, is_first: bool) -> [String; 9] {
    let own = |text: String| if is_first { text } else { String::new() };
    let because = process.sealed_because.keys().map(|reason| reason.replace('_', " "));
    let because = own(because.collect::<Vec<_>>().join(", "));
    let but = [engine.reason.clone().unwrap_or_default(), because];
    let but: Vec<&str> = but.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    [
        own(or_nothing(&process.service)),
        own(process.pid.to_string()),
        own(process.opened.to_string()),
        own(process.sealed.to_string()),
        or_nothing(&engine.engine),
        or_nothing(&engine.version),
        engine.way.as_str().to_owned(),
        or_nothing(&engine.file),
        or_nothing(&but.join("; ")),
    ]
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use model::view::KeyWay;

    use super::*;

    #[test]
    fn a_process_with_two_engines_and_one_with_none_that_is_known() {
        let engine = |name: &str, way, reason: Option<&str>| TlsEngine {
            engine: name.to_owned(),
            file: format!("/lib/{name}.so"),
            way,
            reason: reason.map(str::to_owned),
            ..TlsEngine::default()
        };
        let openssl = engine("OpenSSL", KeyWay::Anchor, None);
        let openssl = TlsEngine { version: "3.0.19".to_owned(), ..openssl };
        let nss = engine("NSS", KeyWay::None, Some("an object"));
        let web = TlsProcess {
            pid: 7,
            service: "web".to_owned(),
            engines: vec![openssl, nss],
            opened: 12,
            ..TlsProcess::default()
        };
        let shop = TlsProcess {
            pid: 8,
            sealed: 3,
            sealed_because: [("no_key".to_owned(), 3)].into(),
            ..TlsProcess::default()
        };
        let expected = "\
SERVICE  PID  OPENED  SEALED  ENGINE   VERSION  SECRETS BY  FILE             BUT
web        7      12       0  OpenSSL  3.0.19   anchor      /lib/OpenSSL.so  -
                              NSS      -        none        /lib/NSS.so      an object
-          8       0       3  -        -        none        -                no key
";
        assert_eq!(tls_table(&[web, shop], 200), expected);
    }

    #[test]
    fn what_handshakes_agreed_on_is_listed_as_far_as_it_is_known() {
        let sealed = TlsTerms {
            role: "client".to_owned(),
            version: "1.3".to_owned(),
            cipher: "TLS_AES_128_GCM_SHA256".to_owned(),
            sni: "api.shop".to_owned(),
            handshakes: 3,
            ..TlsTerms::default()
        };
        let named = TlsTerms {
            role: "server".to_owned(),
            version: "1.2".to_owned(),
            cipher: "0xc0ff".to_owned(),
            alpn: "h2".to_owned(),
            subject: "CN=web".to_owned(),
            handshakes: 40,
            ..TlsTerms::default()
        };
        let web = TlsProcess {
            pid: 7,
            service: "web".to_owned(),
            terms: vec![named, sealed],
            ..TlsProcess::default()
        };
        let expected = "\
SERVICE  PID  AS      HANDSHAKES  TLS  CIPHER                  SNI       ALPN  CERTIFICATE
web        7  server          40  1.2  0xc0ff                  -         h2    CN=web
web        7  client           3  1.3  TLS_AES_128_GCM_SHA256  api.shop  -     -
";
        assert_eq!(tls_terms_table(&[web], 200), expected);
        assert_eq!(tls_terms_table(&[], 200), "");
    }
}
