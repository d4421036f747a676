//! How a call ended: names of the codes, and what stands for a code where none was sent.

use model::{ShortText, Side, Status};

use crate::rider::Ended;

/// Status codes by number.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const OK: usize = 0;
const CANCELLED: usize = 1;
const UNKNOWN: usize = 2;
const DEADLINE_EXCEEDED: usize = 4;
const PERMISSION_DENIED: usize = 7;
const RESOURCE_EXHAUSTED: usize = 8;
const UNIMPLEMENTED: usize = 12;
const INTERNAL: usize = 13;
const UNAVAILABLE: usize = 14;
const UNAUTHENTICATED: usize = 16;
/// Codes by which a server says that it failed (OpenTelemetry, gRPC spans of a server).
const SERVERS: [usize; 6] =
    [UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, 15 /* DATA_LOSS */];

/// Name and blame of the end of a call.
pub(super) fn status(ended: &Ended<'_>) -> Status {
    if let Some(outcome) = ended.outcome {
        return match std::str::from_utf8(outcome).ok().and_then(|text| text.parse().ok()) {
            Some(code) => of_code(code),
            None => of_code(UNKNOWN),
        };
    }
    match (ended.reset, ended.http_status) {
        // The caller has lost interest: nobody failed, unless it was kept waiting.
        (Some((Side::Client, _)), _) if ended.is_patience_over => of_code(DEADLINE_EXCEEDED),
        (Some((Side::Client, _)), _) => Status { error: false, ..of_code(CANCELLED) },
        (Some((Side::Server, code)), _) => of_code(of_reset(code)),
        // Trailers that were not seen, or are still to come.
        (None, Some([b'2', ..]) | None) => Status::default(),
        (None, Some(code)) => of_code(of_http(code)),
    }
}

fn of_code(code: usize) -> Status {
    // A number that nobody has defined is to be taken for UNKNOWN.
    let name = NAMES.get(code).unwrap_or(&"UNKNOWN");
    let is_ok = code == OK;
    let is_servers = SERVERS.contains(&code) || code >= NAMES.len();
    Status { code: ShortText::new(name), error: !is_ok, client_error: !is_ok && !is_servers }
}

/// Errors of RST_STREAM (PROTOCOL-HTTP2, "Errors").
const fn of_reset(code: u32) -> usize {
    match code {
        7 => UNAVAILABLE,
        8 => CANCELLED,
        11 => RESOURCE_EXHAUSTED,
        12 => PERMISSION_DENIED,
        _ => INTERNAL,
    }
}

/// HTTP statuses without a gRPC status (http-grpc-status-mapping).
fn of_http(code: [u8; 3]) -> usize {
    match &code {
        b"400" => INTERNAL,
        b"401" => UNAUTHENTICATED,
        b"403" => PERMISSION_DENIED,
        b"404" => UNIMPLEMENTED,
        b"429" | b"502" | b"503" | b"504" => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// A `grpc-timeout`: up to eight digits and a unit.
pub(super) fn timeout_ns(value: &[u8]) -> Option<u64> {
    let (unit, digits) = value.split_last()?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() <= 8)?;
    let scale: u64 = match unit {
        b'H' => 3_600_000_000_000,
        b'M' => 60_000_000_000,
        b'S' => 1_000_000_000,
        b'm' => 1_000_000,
        b'u' => 1_000,
        b'n' => 1,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Ended<'static> =
        Ended { http_status: Some(*b"200"), outcome: None, reset: None, is_patience_over: false };

    fn said(ended: Ended<'_>) -> (String, bool, bool) {
        let status = status(&ended);
        (status.code.as_str().to_owned(), status.error, status.client_error)
    }

    #[test]
    fn every_way_to_end_has_a_name() {
        let with = |outcome| Ended { outcome: Some(outcome), ..NOTHING };
        let reset = |by, code| Ended { reset: Some((by, code)), ..NOTHING };
        let late = Ended { is_patience_over: true, ..reset(Side::Client, 8) };
        let proxy = Ended { http_status: Some(*b"503"), ..NOTHING };
        for (ended, code, error, client_error) in [
            (with(b"0"), "OK", false, false),
            (with(b"5"), "NOT_FOUND", true, true),
            (with(b"13"), "INTERNAL", true, false),
            (with(b"16"), "UNAUTHENTICATED", true, true),
            (with(b"99"), "UNKNOWN", true, false),
            (with(b"x"), "UNKNOWN", true, false),
            (reset(Side::Client, 8), "CANCELLED", false, true),
            (late, "DEADLINE_EXCEEDED", true, false),
            (reset(Side::Server, 7), "UNAVAILABLE", true, false),
            (proxy, "UNAVAILABLE", true, false),
            (NOTHING, "", false, false),
        ] {
            assert_eq!(said(ended), (code.to_owned(), error, client_error), "{ended:?}");
        }
    }

    #[test]
    fn timeouts_have_a_unit() {
        assert_eq!(timeout_ns(b"100m"), Some(100_000_000));
        assert_eq!(timeout_ns(b"99999999H"), None, "longer than there are numbers for");
        assert_eq!(timeout_ns(b"2S"), Some(2_000_000_000));
        for wrong in [&b""[..], b"S", b"5", b"-1S", b"123456789n"] {
            assert_eq!(timeout_ns(wrong), None, "{wrong:x?}");
        }
    }
}
