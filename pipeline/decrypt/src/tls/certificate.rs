//! What the certificate of a server says of its holder (RFC 5280). Nothing is verified: that is the
//! client's business.

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_cert::Certificate as Leaf;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::reader::Reader;

/// Letters of a subject that are kept; those of certificate authorities have some hundred.
const SUBJECT_BYTES_MAX: usize = 256;
/// Names that are kept; some certificates have a hundred, which say no more of the service.
const NAMES_MAX: usize = 16;
/// Letters of a name (RFC 1035 §2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// Whom a server says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// RFC 5280 §4.1.2.6, written as RFC 4514 says; may be empty.
    pub subject: String,
    /// Alternative names: hosts and addresses (RFC 5280 §4.2.1.6).
    pub names: Vec<String>,
}

/// Reads the body of a certificate message: the first one is the sender's own (RFC 8446 §4.4.2,
/// RFC 5246 §7.4.2).
pub(crate) fn certificate(body: &[u8], is_tls13: bool) -> Option<Certificate> {
    let mut body = Reader(body);
    if is_tls13 {
        body.short()?;
    }
    let mut list = Reader(body.medium()?);
    let leaf = Leaf::from_der(list.medium()?).ok()?;
    let holder = leaf.tbs_certificate();
    let alternative = holder.get_extension::<SubjectAltName>().ok().flatten();
    let names = alternative.iter().flat_map(|(_, names)| names.0.iter().filter_map(name));
    Some(Certificate {
        subject: plain(&holder.subject().to_string(), SUBJECT_BYTES_MAX),
        names: names.take(NAMES_MAX).collect(),
    })
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(plain(name.as_str(), NAME_BYTES_MAX)),
        GeneralName::UniformResourceIdentifier(uri) => Some(plain(uri.as_str(), NAME_BYTES_MAX)),
        GeneralName::IpAddress(address) => {
            let bytes = address.as_bytes();
            let v4 = || <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).to_string());
            let v6 = || <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).to_string());
            v4().or_else(|_| v6()).ok()
        }
        GeneralName::OtherName(_)
        | GeneralName::Rfc822Name(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => None,
    }
}

/// The text, without what a terminal would obey.
fn plain(text: &str, bytes_max: usize) -> String {
    let text = text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default();
    text.chars().map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Self-signed, of `O=Shop, CN=cart.shop`, for `cart.shop`, `*.shop` and two addresses.
    pub(crate) const LEAF: &[u8] = include_bytes!("tests/leaf.der");

    fn medium(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
    }

    #[test]
    fn the_holder_is_named_by_subject_and_alternative_names() {
        let list = medium(&[medium(LEAF), medium(b"an issuer")].concat());
        let found = certificate(&list, false).expect("a certificate");
        assert_eq!(found.subject, "CN=cart.shop,O=Shop");
        assert_eq!(found.names, ["cart.shop", "*.shop", "10.1.2.3", "fd00::7"]);
        let entry = [medium(LEAF), vec![0, 0]].concat();
        let list = [vec![0], medium(&entry)].concat();
        assert_eq!(certificate(&list, true), Some(found));
    }

    #[test]
    fn what_is_no_certificate_says_nothing() {
        assert_eq!(certificate(&medium(&[]), false), None);
        assert_eq!(certificate(&medium(&medium(&[0x30; 100])), false), None);
    }

    #[test]
    fn any_bytes_are_survived() {
        let list = medium(&medium(LEAF));
        bolero::check!().with_type::<(u16, u8, bool)>().for_each(|(at, to, is_tls13)| {
            let mut list = list.clone();
            let at = usize::from(*at) % list.len();
            list[at] = *to;
            if let Some(found) = certificate(&list, *is_tls13) {
                assert!(!found.subject.chars().any(char::is_control));
            }
        });
    }
}
