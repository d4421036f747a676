//! Which of several forms a client wants (RFC 9110 §12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// A form of an answer: `type/subtype`, and the parameters that tell it from others of that type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// In lower case.
    pub(crate) media_type: &'static str,
    /// Names in lower case, with their values. One that a client leaves out is not asked for.
    pub(crate) parameters: &'static [(&'static str, &'static str)],
}

/// Number of the form the client likes best; of several it likes equally, the first. A client that
/// accepts none of them is given the first too: an answer it did not ask for beats none.
pub(crate) fn best(headers: &HeaderMap, forms: &[Form]) -> usize {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
    let mut best = (0, 0);
    for (number, form) in forms.iter().enumerate() {
        // The most precise range that fits a form says how much it is liked.
        let fits = ranges.iter().filter_map(|range| liking(range, form));
        let liked = fits.max_by_key(|(precision, _)| *precision).map_or(0, |(_, quality)| quality);
        if liked > best.1 {
            best = (number, liked);
        }
    }
    best.0
}

/// How precisely a range names the form, and its quality in thousandths; `None` if it does not.
fn liking(range: &str, form: &Form) -> Option<(usize, u32)> {
    let mut parts = range.split(';').map(str::trim);
    let named = parts.next()?.to_ascii_lowercase();
    let mut precision = match named.split_once('/')? {
        ("*", "*") => 0,
        (main, "*") => form.media_type.starts_with(&format!("{main}/")).then_some(1)?,
        _ => (named == form.media_type).then_some(2)?,
    };
    let mut quality = 1_000;
    for part in parts {
        let (name, value) = part.split_once('=')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
        if name == "q" {
            let share: f64 = value.parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
            quality = (share * 1_000.0) as u32;
        } else if let Some((_, expected)) = form.parameters.iter().find(|(own, _)| *own == name) {
            if !value.eq_ignore_ascii_case(expected) {
                return None;
            }
            precision += 1;
        }
        // A parameter of which the form has none, such as `escaping` or `charset`, is no reason to
        // refuse: what is sent is valid under each of its values.
    }
    Some((precision, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [Form; 4] = [
        Form { media_type: "text/plain", parameters: &[("version", "0.0.4")] },
        Form { media_type: "application/openmetrics-text", parameters: &[("version", "1.0.0")] },
        Form {
            media_type: "application/vnd.google.protobuf",
            parameters: &[("encoding", "delimited")],
        },
        Form { media_type: "text/html", parameters: &[] },
    ];

    #[test]
    fn what_is_liked_best_is_chosen() {
        let cases = [
            ("", 0),
            ("*/*", 0),
            ("text/html", 3),
            ("text/*", 0),
            ("text/*;q=0.5, text/html", 3),
            ("text/plain;q=0, text/*", 3),
            ("application/json", 0),
            ("application/*", 1),
            ("application/openmetrics-text; version=1.0.0", 1),
            ("application/openmetrics-text; version=0.0.1,text/plain;q=0.1", 0),
            ("application/openmetrics-text;version=\"1.0.0\";q=0.5,text/plain;q=0.6", 0),
            ("APPLICATION/OpenMetrics-Text;Q=0.9,*/*;q=0.1", 1),
            ("application/vnd.google.protobuf;encoding=text", 0),
            ("application/vnd.google.protobuf;proto=x;encoding=delimited,text/plain;q=0.9", 2),
            ("text/plain;q=x, text/html;q=0.001", 3),
            (";;,=,/,q=1,text", 0),
        ];
        for (header, chosen) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, header.parse().expect("a header value"));
            assert_eq!(best(&headers, &FORMS), chosen, "{header}");
        }
        assert_eq!(best(&HeaderMap::new(), &FORMS), 0);
    }
}
