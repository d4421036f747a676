//! Application servers: what is deployed in them.
//!
//! A server with one application is that application. One with several is called after the folder
//! it was set up in, and the applications are kept as further names.

use std::path::{Path, PathBuf};

use super::{Launch, Main, deployment};
use crate::resolve::Named;
use crate::sources::environment::property_of;
use crate::sources::telling::{self, absolute};
use crate::sources::words::{last_part, unquoted, value};

/// Applications that come with a server and are nobody's service.
const OWN: &[&str] = &[
    "ROOT",
    "docs",
    "examples",
    "host-manager",
    "manager",
    "probe",
    "root",
    "console",
    "welcome-content",
    "ibmasyncrsp",
    "DefaultApplication",
    "isclite",
    "__admingui",
];
/// Endings by which a server knows an application in its folder.
const ENDINGS: &[&str] = &[".war", ".ear", ".jar", ".xml"];
/// Applications of one server that are kept.
const APPLICATIONS_MAX: usize = 16;

/// One kind of server.
struct Kind {
    name: &'static str,
    /// Starts of main classes, and names of jars.
    mains: &'static [&'static str],
    /// Properties that name the folder it is set up in, the strongest first.
    homes: &'static [&'static str],
    /// Folders below that hold what is deployed.
    folders: &'static [&'static str],
    /// Configuration files below, with what stands before each application's name.
    configurations: &'static [(&'static str, &'static str)],
    reason: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "tomcat",
        mains: &["org.apache.catalina.startup.Bootstrap", "org.apache.tomee."],
        homes: &["catalina.base", "catalina.home"],
        folders: &["webapps", "conf/Catalina/localhost"],
        configurations: &[("conf/server.xml", "docBase=")],
        reason: "tomcat application",
    },
    Kind {
        name: "wildfly",
        mains: &["jboss-modules.jar", "org.jboss.modules.Main", "org.jboss.Main"],
        homes: &["jboss.server.base.dir", "jboss.home.dir"],
        folders: &["deployments", "standalone/deployments"],
        configurations: &[
            ("configuration/standalone.xml", "runtime-name="),
            ("standalone/configuration/standalone.xml", "runtime-name="),
        ],
        reason: "wildfly application",
    },
    Kind {
        name: "weblogic",
        mains: &["weblogic.Server"],
        homes: &["weblogic.RootDirectory", "domain.home"],
        folders: &["autodeploy"],
        configurations: &[("config/config.xml", "<source-path>")],
        reason: "weblogic application",
    },
    Kind {
        name: "jetty",
        mains: &[
            "start.jar",
            "org.eclipse.jetty.start.Main",
            "org.eclipse.jetty.xml.XmlConfiguration",
        ],
        homes: &["jetty.base", "jetty.home"],
        folders: &["webapps"],
        configurations: &[],
        reason: "jetty application",
    },
    Kind {
        name: "glassfish",
        mains: &["com.sun.enterprise.glassfish.bootstrap.", "glassfish.jar", "payara-micro"],
        homes: &["com.sun.aas.instanceRoot"],
        folders: &["applications", "autodeploy"],
        configurations: &[("config/domain.xml", "context-root=")],
        reason: "glassfish application",
    },
    Kind {
        name: "liberty",
        mains: &["ws-server.jar", "com.ibm.ws.kernel.boot."],
        homes: &["server.config.dir"],
        folders: &["dropins", "apps"],
        configurations: &[("server.xml", "location=")],
        reason: "liberty application",
    },
    Kind {
        name: "websphere",
        mains: &["com.ibm.ws.bootstrap.WSLauncher", "com.ibm.ws.runtime.WsServer"],
        homes: &["server.root", "user.install.root"],
        folders: &["installedApps"],
        configurations: &[],
        reason: "websphere application",
    },
    Kind {
        name: "resin",
        mains: &["com.caucho.server.resin.Resin", "resin.jar"],
        homes: &["resin.root", "resin.home"],
        folders: &["webapps"],
        configurations: &[],
        reason: "resin application",
    },
    Kind {
        name: "karaf",
        mains: &["org.apache.karaf.main.Main"],
        homes: &["karaf.base", "karaf.home"],
        folders: &["deploy"],
        configurations: &[],
        reason: "karaf application",
    },
];

/// The name of what a server hosts, or of the server.
pub(super) fn name(launch: &Launch<'_, '_>) -> Option<Named> {
    let kind = KINDS.iter().find(|kind| kind.is(launch))?;
    if let Some(product) = product(launch) {
        return Some(product);
    }
    if let Some(server) = told(launch) {
        return Some(server);
    }
    let homes = kind.homes(launch);
    let mut applications: Vec<String> = Vec::new();
    for home in &homes {
        applications = kind.applications(launch, home);
        if !applications.is_empty() {
            break;
        }
    }
    applications.extend(deployed_by_word(launch));
    match applications.as_slice() {
        [only] => return Some(Named::new(only, kind.reason)),
        [] => {}
        _ => {
            let mut named = kind.itself(&homes);
            named.aliases = applications;
            return Some(named);
        }
    }
    Some(kind.itself(&homes))
}

/// Products that are an application in a server of their own.
fn product(launch: &Launch<'_, '_>) -> Option<Named> {
    let solr = property_of(launch.command.process, "solr.solr.home");
    let solr = solr.or_else(|| property_of(launch.command.process, "solr.install.dir"));
    solr.map(|_| Named::new("solr", "java product"))
}

/// The name a server was given by its own words: a server of a WildFly domain, of WebLogic, of
/// WebSphere, of Liberty.
fn told(launch: &Launch<'_, '_>) -> Option<Named> {
    let process = launch.command.process;
    let domain = process.argv.iter().find_map(|word| word.strip_prefix("-D[Server:"));
    if let Some(name) = domain.and_then(|word| word.strip_suffix(']')) {
        return Some(Named::new(name, "wildfly server"));
    }
    let class = match launch.main {
        Main::Class(class) | Main::Module(class) | Main::Jar(class) => class,
        Main::Source(_) => return None,
    };
    if class.starts_with("com.ibm.ws.") && !class.contains("kernel") {
        // `… WsServer configuration cell node server`.
        let name = launch.arguments.last().filter(|name| !name.starts_with('-'));
        return Some(Named::new(*name?, "websphere server"));
    }
    if last_part(class) == "ws-server.jar" {
        let name = launch.arguments.iter().find(|word| !word.starts_with('-'));
        let name = name.filter(|name| **name != "defaultServer");
        return Some(Named::new(*name?, "liberty server"));
    }
    None
}

/// Payara's and Resin's `--deploy shop.war`.
fn deployed_by_word(launch: &Launch<'_, '_>) -> Option<String> {
    deployment(value(launch.arguments, &["--deploy"])?)
}

impl Kind {
    fn is(&self, launch: &Launch<'_, '_>) -> bool {
        match launch.main {
            Main::Jar(jar) => {
                let file = last_part(jar);
                self.mains.iter().any(|main| match main.strip_suffix(".jar") {
                    Some(_) => file == *main,
                    None => file.starts_with(main),
                })
            }
            Main::Class(class) | Main::Module(class) => {
                let class = class.rsplit('/').next().unwrap_or(class);
                self.mains.iter().any(|main| class.starts_with(main))
            }
            Main::Source(_) => false,
        }
    }

    /// Folders it may be set up in.
    fn homes(&self, launch: &Launch<'_, '_>) -> Vec<PathBuf> {
        let process = launch.command.process;
        let given = self.homes.iter().filter_map(|name| property_of(process, name));
        let mut homes: Vec<PathBuf> = given.map(|home| launch.command.path(home)).collect();
        homes.push(launch.command.directory.clone());
        if let Main::Jar(jar) = launch.main {
            homes.extend(launch.command.path(jar).parent().map(Path::to_owned));
        }
        homes
    }

    /// What is deployed below a folder, without what comes with the server.
    fn applications(&self, launch: &Launch<'_, '_>, home: &Path) -> Vec<String> {
        let files = launch.command.files;
        let mut found: Vec<String> = Vec::new();
        for folder in self.folders {
            let folder = absolute(folder, home);
            for file in files.list(&folder) {
                // Markers of WildFly, and files of the kind `README.txt`.
                let is_application = !file.contains('.')
                    || ENDINGS.iter().any(|ending| file.ends_with(ending))
                    || files.list(&folder.join(&file)).iter().any(|inner| inner == "WEB-INF");
                if is_application && !file.starts_with('.') {
                    found.extend(deployment(file.trim_end_matches(".xml")));
                }
            }
        }
        for (file, before) in self.configurations {
            let text = files.read(&absolute(file, home)).unwrap_or_default();
            let text = uncommented(&text);
            for part in text.split(before).skip(1) {
                let value = part.trim_start_matches(['"', '\'']);
                let value = value.split(['"', '\'', '<', '>']).next().unwrap_or_default();
                found.extend(deployment(unquoted(value)));
            }
        }
        found.retain(|name| !OWN.contains(&name.as_str()));
        found.sort_unstable();
        found.dedup();
        found.truncate(APPLICATIONS_MAX);
        found
    }

    /// The server's own name: the folder it was set up in, if that is not called after the kind.
    fn itself(&self, homes: &[PathBuf]) -> Named {
        let folder = homes.first().and_then(|home| telling::folder_name(home));
        match folder.filter(|name| !is_of_kind(name, self.name)) {
            Some(name) if homes.len() > 1 => Named::new(name, "java server folder"),
            _ => Named::new(self.name, "java server"),
        }
    }
}

/// `apache-tomcat-9.0.1`, `tomcat9`, `standalone`: names of the kind and not of the service.
fn is_of_kind(folder: &str, kind: &str) -> bool {
    let folder = folder.to_ascii_lowercase();
    let generic = ["standalone", "domain", "domain1", "base", "instance", "jboss", "wlp", "home"];
    folder.contains(kind)
        || generic.iter().any(|word| folder == *word)
        || folder.starts_with("jboss")
        || folder.starts_with("payara")
}

/// Without XML's comments: a server's example of an application is none.
fn uncommented(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        kept.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    kept + rest
}
