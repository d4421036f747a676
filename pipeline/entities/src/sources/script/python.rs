//! Python: application servers, task queues, frameworks, modules, scripts.

use std::path::{Path, PathBuf};

use super::Program;
use crate::resolve::Named;
use crate::sources::command::Command;
use crate::sources::telling::{self, absolute};
use crate::sources::words::{is_dotted_name, last_part, operands, unquoted, value};

/// One tool that runs an application it is told of.
struct Tool {
    programs: &'static [&'static str],
    rule: Rule,
    reason: &'static str,
}

#[derive(Clone, Copy)]
enum Rule {
    /// `module:attribute` among the words.
    Application,
    /// The value of one of these flags.
    Flag(&'static [&'static str]),
    /// A script after one of these words, if there are any.
    Script(&'static [&'static str]),
    /// The module that is the first word after these.
    Module(&'static [&'static str]),
    /// The tool with its first word: `airflow-scheduler`.
    Itself,
}

const TOOLS: &[Tool] = &[
    Tool { programs: &["uvicorn"], rule: Rule::Application, reason: "uvicorn app" },
    Tool { programs: &["hypercorn"], rule: Rule::Application, reason: "hypercorn app" },
    Tool { programs: &["daphne"], rule: Rule::Application, reason: "daphne app" },
    Tool { programs: &["granian"], rule: Rule::Application, reason: "granian app" },
    Tool {
        programs: &["waitress-serve", "waitress"],
        rule: Rule::Application,
        reason: "waitress app",
    },
    Tool {
        programs: &["cheroot", "chaussette", "sanic", "meinheld", "robyn", "litestar", "quart"],
        rule: Rule::Application,
        reason: "python app",
    },
    Tool {
        programs: &["fastapi", "streamlit", "chainlit", "panel", "bokeh", "voila", "marimo"],
        rule: Rule::Script(&["run", "dev", "serve"]),
        reason: "python app",
    },
    Tool {
        programs: &["gradio", "debugpy", "pdb", "cProfile", "memray", "kernprof", "viztracer"],
        rule: Rule::Script(&["run"]),
        reason: "python script",
    },
    Tool {
        programs: &["mod_wsgi-express"],
        rule: Rule::Script(&["start-server"]),
        reason: "mod_wsgi app",
    },
    Tool { programs: &["aiohttp.web"], rule: Rule::Application, reason: "aiohttp app" },
    Tool { programs: &["pserve"], rule: Rule::Script(&[]), reason: "pyramid configuration" },
    Tool { programs: &["faust"], rule: Rule::Flag(&["-A", "--app"]), reason: "faust app" },
    Tool {
        programs: &["dramatiq", "huey_consumer", "arq", "taskiq"],
        rule: Rule::Module(&["worker", "scheduler"]),
        reason: "python app",
    },
    Tool { programs: &["nameko"], rule: Rule::Module(&["run"]), reason: "nameko service" },
    Tool {
        programs: &[
            "airflow", "jupyter", "mlflow", "dagster", "prefect", "superset", "rq", "twisted",
        ],
        rule: Rule::Itself,
        reason: "python tool",
    },
];

/// Flags of these tools whose value is the next word.
const VALUED: &[&str] = &[
    "-b",
    "--bind",
    "-p",
    "--port",
    "--host",
    "--address",
    "--listen",
    "-w",
    "--workers",
    "-c",
    "--config",
    "--log-level",
    "--loop",
    "--http",
    "--ws",
    "--interface",
    "--app-dir",
    "--chdir",
    "-t",
    "--threads",
    "--processes",
    "-k",
    "--root-path",
    "--env-file",
    "--timeout-keep-alive",
    "--uds",
    "--fd",
    "-u",
    "--server.port",
    "--server.address",
];

/// Modules that run another program named behind them.
const MODULE_TAILS: &[&str] = &["__main__", "app", "asgi", "cli", "main", "run", "wsgi"];

/// The name of a script or module.
pub(super) fn name(command: &Command<'_>, program: Program<'_>, rest: &[&str]) -> Option<Named> {
    match program {
        Program::Module(module) => {
            let by_tool = || tool(command, module, rest);
            by_wrapper(command, module, rest).or_else(by_tool).or_else(|| {
                Some(Named::new(module_name(module, &command.directory), "python module"))
            })
        }
        Program::Script(path) => {
            let file = last_part(path);
            let file = file.strip_suffix(".py").unwrap_or(file);
            let by_project = || (file == "manage").then(|| django(command, Some(path))).flatten();
            tool(command, file, rest)
                .or_else(by_project)
                .or_else(|| command.by_path(path, "python script"))
        }
    }
}

/// `-m ddtrace.commands.ddtrace_run program`, `-m coverage run -m module`.
fn by_wrapper(command: &Command<'_>, module: &str, rest: &[&str]) -> Option<Named> {
    let script = module.rsplit('.').next().unwrap_or(module).replace('_', "-");
    let is_one = matches!(script.as_str(), "ddtrace-run" | "opentelemetry-instrument" | "coverage");
    // The words live as long as the process that the command is of.
    let at = command.words.len().checked_sub(rest.len())?;
    is_one.then(|| command.within(&script, command.words.get(at..)?)).flatten()
}

/// A module without the tail that tells nothing. `http.server` is one word of meaning.
fn module_name(module: &str, directory: &Path) -> String {
    let mut parts: Vec<&str> = module.split('.').collect();
    while parts.last().is_some_and(|part| MODULE_TAILS.contains(part)) {
        parts.pop();
    }
    if parts.is_empty() {
        return telling::nearest_folder(directory).unwrap_or_else(|| module.to_owned());
    }
    parts.join(".")
}

/// The rules of tools, by the name of their script or module.
pub(crate) fn tool(command: &Command<'_>, program: &str, words: &[&str]) -> Option<Named> {
    match program {
        "gunicorn" | "gunicorn3" | "gunicorn.app.wsgiapp" => return gunicorn(command, words),
        "celery" | "celery3" => return celery(command, words),
        "flask" => return flask(command, words),
        "uwsgi" | "uwsgi-core" | "pyuwsgi" => return uwsgi(command, words),
        "twistd" | "twistd3" => return twistd(command, words),
        "django-admin" | "django" => return django(command, None),
        "ipykernel_launcher" => return Some(Named::new("ipykernel", "python module")),
        _ if program.starts_with("uwsgi_") => return uwsgi(command, words),
        _ => {}
    }
    let row = TOOLS.iter().find(|row| row.programs.contains(&program))?;
    let folder = value(words, &["--app-dir", "--chdir", "-d"]).map(|folder| command.path(folder));
    let folder = folder.unwrap_or_else(|| command.directory.clone());
    let after = |verbs: &[&str]| {
        let found = operands(words, VALUED);
        found.into_iter().find(|word| !verbs.contains(word))
    };
    match row.rule {
        Rule::Application => by_spec(application(words)?, &folder, row.reason),
        Rule::Flag(flags) => by_spec(value(words, flags)?, &folder, row.reason),
        Rule::Module(verbs) => by_spec(after(verbs)?, &folder, row.reason),
        Rule::Script(verbs) => match after(verbs) {
            Some(script) => command.by_path(script, row.reason),
            None => command.by_folder(&folder, row.reason),
        },
        Rule::Itself => {
            let verb = operands(words, VALUED)
                .first()
                .copied()
                .filter(|verb| verb.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            let name = verb.map_or(program.to_owned(), |verb| format!("{program}-{verb}"));
            Some(Named::new(name, row.reason))
        }
    }
}

/// A name after `module:attribute`, `module` or a file.
pub(in crate::sources) fn by_spec(
    spec: &str,
    folder: &Path,
    reason: &'static str,
) -> Option<Named> {
    Some(Named::new(telling::by_module(spec, folder)?, reason))
}

/// The first word that has the form `module:attribute`; else the last, if it may be a module.
fn application<'a>(words: &[&'a str]) -> Option<&'a str> {
    let is_spec = |word: &&&str| {
        word.split_once(':').is_some_and(|(module, attribute)| {
            let attribute = attribute.split('(').next().unwrap_or_default();
            is_dotted_name(&module.replace('/', ".")) && is_dotted_name(attribute)
        })
    };
    let last = || words.last().filter(|word| is_dotted_name(word));
    words.iter().find(is_spec).or_else(last).copied()
}

/// `--name`, on the command line, in its variable or the configuration file; else the application.
/// <https://docs.gunicorn.org/en/stable/settings.html>
fn gunicorn(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    let more = command.process.environment.get("GUNICORN_CMD_ARGS").unwrap_or_default();
    let more: Vec<&str> = more.split_ascii_whitespace().map(unquoted).collect();
    let setting = |flags: &[&str]| value(words, flags).or_else(|| value(&more, flags));
    let named = |name: &str| Named::new(unquoted(name), "gunicorn name");
    if let Some(name) = setting(&["-n", "--name"]) {
        return Some(named(name));
    }
    let folder = setting(&["--chdir"]).map(|folder| command.path(folder));
    let mut folder = folder.unwrap_or_else(|| command.directory.clone());
    let file = setting(&["-c", "--config"]).unwrap_or("gunicorn.conf.py");
    let file = command.path(file.strip_prefix("file:").unwrap_or(file));
    let text = command.files.read(&file).unwrap_or_default();
    if let Some(name) = assigned(&text, "proc_name") {
        return Some(named(name));
    }
    if let Some(changed) = assigned(&text, "chdir") {
        folder = absolute(changed, &folder);
    }
    let spec = application(words).or_else(|| assigned(&text, "wsgi_app"));
    by_spec(spec.or_else(|| application(&more))?, &folder, "gunicorn app")
}

/// The text that a line `name = "text"` of a Python or INI file assigns.
fn assigned<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix(name)?.trim_start().strip_prefix('=')?;
        let value = rest.split(" #").next().unwrap_or(rest);
        Some(unquoted(value)).filter(|value| !value.is_empty())
    })
}

/// `-A`, which may stand before or after the verb; else the variable.
/// <https://docs.celeryq.dev/en/stable/reference/cli.html>
pub(in crate::sources) fn celery(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    let flagged = value(words, &["-A", "--app"]);
    let spec = flagged.or_else(|| command.process.environment.get("CELERY_APP"))?;
    let folder = value(words, &["--workdir"]).map(|folder| command.path(folder));
    let spec = spec.strip_suffix(".celery").unwrap_or(spec);
    by_spec(spec, folder.as_deref().unwrap_or(&command.directory), "celery app")
}

/// `--app`, the variable, or the folder in which it finds `app.py` or `wsgi.py` by itself.
/// <https://flask.palletsprojects.com/en/stable/cli/>
fn flask(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    let flagged = value(words, &["--app", "-A"]);
    let spec = flagged.or_else(|| command.process.environment.get("FLASK_APP"));
    by_spec(spec.unwrap_or("app"), &command.directory, "flask app")
}

/// The module of the settings, which `manage.py` names; else the folder.
fn django(command: &Command<'_>, script: Option<&str>) -> Option<Named> {
    let script = script.map(|script| command.path(script));
    let folder = script.as_deref().and_then(Path::parent).unwrap_or(&command.directory);
    let set = value(&command.words, &["--settings"]);
    let set = set.or_else(|| command.process.environment.get("DJANGO_SETTINGS_MODULE"));
    let text = script.as_ref().and_then(|script| command.files.read(script)).unwrap_or_default();
    let written = || {
        let (_, rest) = text.split_once("DJANGO_SETTINGS_MODULE")?;
        rest.split(['"', '\'']).find(|part| is_dotted_name(part))
    };
    let settings = set.or_else(written)?;
    by_spec(settings, folder, "django project")
}

/// Its configuration file or arguments name a module, a file or a folder.
/// <https://uwsgi-docs.readthedocs.io/en/latest/Options.html>
fn uwsgi(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    let is_file = |word: &&str| {
        let endings = [".ini", ".xml", ".yaml", ".yml", ".json"];
        endings.iter().any(|ending| word.ends_with(ending))
    };
    let flagged = value(words, &["--ini", "--xml", "--yaml", "--json", "--ini-paste"]);
    let file: Option<PathBuf> =
        flagged.or_else(|| words.iter().copied().find(is_file)).map(|file| command.path(file));
    let text = file.as_ref().and_then(|file| command.files.read(file)).unwrap_or_default();
    let setting = |flags: &[&str], names: &[&str]| {
        let written = || names.iter().find_map(|name| assigned(&text, name));
        value(words, flags).or_else(written).map(str::to_owned)
    };
    if let Some(name) = setting(&["--procname-prefix", "--procname"], &["procname-prefix"]) {
        return Some(Named::new(name, "uwsgi name"));
    }
    let folder = setting(&["--chdir", "--pythonpath", "--pp"], &["chdir", "pythonpath"]);
    let folder = folder.map_or_else(|| command.directory.clone(), |folder| command.path(&folder));
    let module = setting(&["-w", "--module", "--wsgi"], &["module", "wsgi"]);
    let script = setting(&["--wsgi-file", "--file", "--psgi", "--rack"], &["wsgi-file", "file"]);
    let stem = file.as_ref().and_then(|file| file.file_stem()?.to_str());
    let stem = stem.filter(|stem| !telling::is_generic(stem) && *stem != "uwsgi");
    let spec = module.or(script);
    let named = |name| Named::new(name, "uwsgi app");
    // What tells by itself comes before the file, and that before a folder.
    let own = spec.as_deref().and_then(|spec| telling::by_module(spec, Path::new("/")));
    let own = own.filter(|name| !telling::is_generic(name) && !is_folder_of(name, spec.as_deref()));
    own.map(named)
        .or_else(|| Some(Named::new(stem?, "uwsgi configuration")))
        .or_else(|| telling::by_module(spec.as_deref()?, &folder).map(named))
        .or_else(|| command.by_folder(&folder, "uwsgi app"))
}

/// True if the name is that of a folder on the way to a file, and not the file's own.
fn is_folder_of(name: &str, path: Option<&str>) -> bool {
    path.is_some_and(|path| path.contains('/') && telling::stem(last_part(path)) != name)
}

/// A configuration or plug-in of Twisted's starter.
fn twistd(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    let script = ["-y", "-ny", "-noy", "--python"].iter().find_map(|flag| value(words, &[flag]));
    if let Some(script) = script {
        return command.by_path(script, "twisted application");
    }
    let plugin = operands(words, &["-l", "--logfile", "--pidfile", "-r", "-u", "-g"]);
    Some(Named::new(format!("twistd-{}", plugin.first()?), "python tool"))
}
