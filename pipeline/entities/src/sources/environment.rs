//! Names that somebody gave through the environment, or that stand for it among the arguments:
//! the operator, the platform that started the process, or its supervisor.

use crate::process::{Files, Process};
use crate::resolve::Named;
use crate::variables::{PLATFORMS, TRACERS};

/// Names that a supervisor gives when nobody chose one.
const CHOSEN_BY_NOBODY: &[&str] = &["app", "default", "index", "main", "server", "start", "web"];

/// `OTEL_SERVICE_NAME`, else `service.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `DD_SERVICE` or
/// `service` of `DD_TAGS`, each also as the Java property of the same meaning; else what other
/// tracers read.
///
/// Namespace, version and instance id are taken from the attributes whichever variable gave the
/// name.
pub fn name(process: &Process, _files: &dyn Files) -> Option<Named> {
    let given = Given::of(process);
    let mut named = given.name()?;
    named.namespace = given.attribute("service.namespace").unwrap_or_default();
    named.instance = given.attribute("service.instance.id");
    Some(named)
}

/// `service.version` of the attributes, or `DD_VERSION`: told beside any name.
pub fn version(process: &Process) -> Option<String> {
    let given = Given::of(process);
    let datadog = || given.either("DD_VERSION", "dd.version").or_else(|| given.tag("version"));
    given.attribute("service.version").or_else(|| Some(datadog()?.to_owned()))
}

/// The name under which the platform runs the process.
pub fn platform(process: &Process, _files: &dyn Files) -> Option<Named> {
    first(process, PLATFORMS)
}

/// The name under which a supervisor runs the process: supervisord, pm2.
pub fn supervisor(process: &Process, _files: &dyn Files) -> Option<Named> {
    let get = |name| process.environment.get(name);
    if let Some(own) = get("SUPERVISOR_PROCESS_NAME") {
        // Of several of one program each has a number: `web_00` of `web`. A group of several
        // programs is more than a service.
        let group = get("SUPERVISOR_GROUP_NAME").filter(|group| is_numbered(own, group));
        return Some(Named::new(group.unwrap_or(own), "supervisor program"));
    }
    get("pm_id")?;
    let name = get("name").filter(|name| !CHOSEN_BY_NOBODY.contains(name))?;
    Some(Named::new(name, "pm2 application"))
}

fn is_numbered(own: &str, group: &str) -> bool {
    own.strip_prefix(group).is_some_and(|rest| {
        rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b':'))
    })
}

/// The first of the variables that is set.
fn first(process: &Process, variables: &'static [&'static str]) -> Option<Named> {
    variables.iter().find_map(|&name| Some(Named::new(process.environment.get(name)?, name)))
}

/// What the operator said, in the environment or in Java's properties.
struct Given<'a> {
    process: &'a Process,
    attributes: &'a str,
}

impl<'a> Given<'a> {
    fn of(process: &'a Process) -> Self {
        let mut given = Self { process, attributes: "" };
        let attributes = given.either("OTEL_RESOURCE_ATTRIBUTES", "otel.resource.attributes");
        given.attributes = attributes.unwrap_or_default();
        given
    }

    fn name(&self) -> Option<Named> {
        if let Some(name) = self.either("OTEL_SERVICE_NAME", "otel.service.name") {
            return Some(Named::new(name, "OTEL_SERVICE_NAME"));
        }
        if let Some(name) = self.attribute("service.name") {
            return Some(Named::new(name, "OTEL_RESOURCE_ATTRIBUTES"));
        }
        if let Some(name) = self.either("DD_SERVICE", "dd.service") {
            return Some(Named::new(name, "DD_SERVICE"));
        }
        if let Some(name) = self.tag("service") {
            return Some(Named::new(name, "DD_TAGS"));
        }
        let mut named = first(self.process, TRACERS)?;
        // New Relic takes a list, the most specific first; SkyWalking writes `group::name`.
        let name = named.name.split(';').next().unwrap_or_default();
        named.name = name.rsplit("::").next().unwrap_or(name).to_owned();
        Some(named)
    }

    /// A variable, or the Java property that stands for it. A property wins, as it does for the
    /// tracers.
    fn either(&self, variable: &str, property: &str) -> Option<&'a str> {
        let property = property_of(self.process, property);
        property.or_else(|| self.process.environment.get(variable))
    }

    /// One value of a `key=value,key=value` list with percent-encoded values.
    /// <https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable>
    fn attribute(&self, key: &str) -> Option<String> {
        self.attributes
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| percent_decoded(value.trim()))
            .filter(|value| !value.is_empty())
    }

    /// One value of `DD_TAGS`: `key:value` pairs with commas or blanks between them.
    fn tag(&self, key: &str) -> Option<&'a str> {
        let tags = self.process.environment.get("DD_TAGS")?;
        let mut pairs = tags.split([',', ' ']).filter_map(|pair| pair.split_once(':'));
        let found = pairs.find(|(name, value)| name.trim() == key && !value.trim().is_empty());
        found.map(|(_, value)| value.trim())
    }
}

/// The value of `-Dproperty=value` among the arguments or in the variables that hold some. The
/// last one counts, as for Java.
pub(crate) fn property_of<'a>(process: &'a Process, property: &str) -> Option<&'a str> {
    let variables = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"];
    let held = variables.iter().filter_map(|name| process.environment.get(name));
    let held = held.flat_map(str::split_ascii_whitespace);
    let all = held.chain(process.argv.iter().map(String::as_str));
    let values = all.filter_map(|word| word.strip_prefix("-D")?.strip_prefix(property));
    let values = values.filter_map(|rest| rest.strip_prefix('='));
    let mut values = values.map(|value| value.trim_matches(['"', '\'']));
    values.rfind(|value| !value.is_empty())
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
