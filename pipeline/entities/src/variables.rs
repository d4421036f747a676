//! The environment of a process, as far as it is ever looked at: the variables of one list, each
//! bounded, and of those that hold other things too only the part that names something.

/// The environment variables that may tell a name, and the only ones that are ever copied out of
/// a process. Which means what is in [`crate::sources::environment`] and the rules of languages.
pub const VARIABLES: &[&[&str]] = &[OPERATOR, TRACERS, PLATFORMS, SUPERVISORS, FRAMEWORKS];

/// Said by the operator, for OpenTelemetry or Datadog: each has a grammar of its own.
const OPERATOR: &[&str] =
    &["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "DD_SERVICE", "DD_VERSION", "DD_TAGS"];

/// Said by the operator for another tracer: they name the service outright. The first that is set
/// counts.
pub(crate) const TRACERS: &[&str] = &[
    "ELASTIC_APM_SERVICE_NAME",
    "NEW_RELIC_APP_NAME",
    "SPLUNK_SERVICE_NAME",
    "SIGNALFX_SERVICE_NAME",
    "JAEGER_SERVICE_NAME",
    "SW_AGENT_NAME",
    "INSTANA_SERVICE_NAME",
];

/// By which a platform tells a program what it runs as. The first that is set counts.
pub(crate) const PLATFORMS: &[&str] = &[
    "K_SERVICE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "FLY_APP_NAME",
    "HEROKU_APP_NAME",
    "WEBSITE_SITE_NAME",
    "NOMAD_TASK_NAME",
    "NOMAD_JOB_NAME",
    "DOKKU_APP_NAME",
];

/// Said by a supervisor.
const SUPERVISORS: &[&str] = &["SUPERVISOR_PROCESS_NAME", "SUPERVISOR_GROUP_NAME", "pm_id", "name"];

/// Read by the frameworks themselves.
const FRAMEWORKS: &[&str] = &[
    "CELERY_APP",
    "DJANGO_SETTINGS_MODULE",
    "FLASK_APP",
    "GUNICORN_CMD_ARGS",
    "HYPNOTOAD_APP",
    "RELEASE_NAME",
    "RELEASE_NODE",
    "SPRING_APPLICATION_NAME",
    "SPRING_PROFILES_ACTIVE",
    "npm_package_name",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
];

/// Of the arguments that these variables hold, only the ones that begin like a Java property which
/// names something are copied: others may hold a password.
const OPTION_VARIABLES: &[&str] = &["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"];
const OPTIONS_KEPT: &[&str] = &["-Dotel.", "-Ddd.service=", "-Ddd.version=", "-Dspring."];

/// Longest value kept, in bytes. A longer one is left out whole: half a list may say half a name.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// What of [`VARIABLES`] a process was started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    kept: Vec<(&'static str, String)>,
}

impl Environment {
    /// Picks the known variables out of a NUL-separated block and forgets the rest. Of two with
    /// the same name the first counts, as for the C library.
    pub fn from_block(block: &[u8]) -> Self {
        let mut environment = Self::default();
        for pair in block.split(|&byte| byte == 0) {
            let Some(at) = pair.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let (name, value) = pair.split_at(at);
            let Some(name) = known().find(|known| known.as_bytes() == name) else {
                continue;
            };
            if value.len() > VALUE_BYTES_MAX || environment.get(name).is_some() {
                continue;
            }
            let value = String::from_utf8_lossy(value.get(1..).unwrap_or_default());
            let value = if OPTION_VARIABLES.contains(&name) {
                telling_options(&value)
            } else {
                value.trim().to_owned()
            };
            if !value.is_empty() {
                environment.kept.push((name, value));
            }
        }
        environment
    }

    /// The value of one of [`VARIABLES`], without blanks around it; `None` if unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(known().any(|known| known == name), "{name} is never copied");
        let found = self.kept.iter().find(|(kept, _)| *kept == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn known() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().copied().flatten().copied()
}

fn telling_options(text: &str) -> String {
    let is_kept = |word: &&str| OPTIONS_KEPT.iter().any(|start| word.starts_with(start));
    text.split_ascii_whitespace().filter(is_kept).collect::<Vec<_>>().join(" ")
}
