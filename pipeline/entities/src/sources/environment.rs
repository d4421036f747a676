//! Names that the operator gave through the environment.

use crate::process::{Files, Process};
use crate::resolve::Named;

/// `OTEL_SERVICE_NAME`, else `service.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `DD_SERVICE`.
///
/// Namespace and instance id are taken from the attributes whichever variable gave the name.
pub fn name(process: &Process, _files: &dyn Files) -> Option<Named> {
    let environment = &process.environment;
    let attributes = environment.otel_resource_attributes.as_deref();
    let attributes = attributes.unwrap_or_default();
    let mut named = if let Some(name) = &environment.otel_service_name {
        Named::new(name, "OTEL_SERVICE_NAME")
    } else if let Some(name) = attribute(attributes, "service.name") {
        Named::new(name, "OTEL_RESOURCE_ATTRIBUTES")
    } else {
        Named::new(environment.dd_service.as_ref()?, "DD_SERVICE")
    };
    named.namespace = attribute(attributes, "service.namespace").unwrap_or_default();
    named.instance = attribute(attributes, "service.instance.id");
    Some(named)
}

/// One value of a `key=value,key=value` list with percent-encoded values.
/// <https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable>
fn attribute(list: &str, key: &str) -> Option<String> {
    list.split(',')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| percent_decoded(value.trim()))
        .filter(|value| !value.is_empty())
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%').then(|| tail.first_chunk::<2>()).flatten();
        match escaped.and_then(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|value| value as u8)
}
