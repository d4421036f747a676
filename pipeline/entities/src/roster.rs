//! Processes folded into services.
//!
//! A *group* is a process with those of its descendants that run the same program for the same
//! purpose: a master with its workers, a database with its background processes. A *service* is
//! every group of the same name, namespace and instance. The roster is the scanner's own; what it
//! works out it writes into the [`Directory`].

use std::collections::HashMap;
use std::sync::Arc;

use model::{Entity, EntityId};

use crate::directory::Directory;
use crate::mask;
use crate::process::{Listen, Process, Runtime};
use crate::records::Key;
use crate::resolve::Named;
use crate::sources::container::{is_id, names};
use crate::sources::environment;

/// Digits of a container id that people use to name it; the name of a system container is shorter
/// or is taken whole.
const CONTAINER_DIGITS: usize = 12;

/// Everyone alive in the scope.
#[derive(Debug)]
pub(crate) struct Roster {
    directory: Arc<Directory>,
    members: HashMap<u32, Member>,
    groups: HashMap<u32, Group>,
    services: HashMap<Key, Vec<u32>>,
    next_group: u32,
    changes: u64,
    /// The process that left last because it became another program, with its name and service.
    became: Option<(u32, Named, EntityId)>,
}

/// One process and its place.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) process: Process,
    pub(crate) listens: Vec<Listen>,
    named: Named,
    group: u32,
}

#[derive(Debug)]
struct Group {
    /// `None` until it was placed for the first time.
    id: Option<EntityId>,
    key: Key,
    /// What its first process said; without instance, pids and listeners.
    template: Entity,
    /// Instance id that the process gave itself.
    instance: Option<String>,
    /// The lowest port it ever listened on. It does not change back when a listener closes, so
    /// that a service that shuts down keeps its identity to the end.
    port: Option<u16>,
    members: Vec<u32>,
}

/// Why a process leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// It exited.
    Exited,
    /// Its pid was reused, or it runs another program now.
    Replaced,
}

impl Roster {
    pub(crate) fn new(directory: Arc<Directory>) -> Self {
        Self {
            directory,
            members: HashMap::new(),
            groups: HashMap::new(),
            services: HashMap::new(),
            next_group: 0,
            changes: 0,
            became: None,
        }
    }

    pub(crate) fn member(&self, pid: u32) -> Option<&Member> {
        self.members.get(&pid)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Changes when a member comes or goes.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// A process that was read for the first time.
    pub(crate) fn join(&mut self, process: Process, named: Named) {
        self.changes += 1;
        let pid = process.pid;
        let parents = self.parents_group(&process, &named);
        let number = parents.unwrap_or_else(|| self.found(&process, &named));
        // A wrapper that became what it is named for: the service goes on, past included.
        let became =
            self.became.take().filter(|(left, as_named, _)| *left == pid && *as_named == named);
        if let (Some((_, _, service)), Some(group)) = (became, self.groups.get_mut(&number)) {
            group.id.get_or_insert(service);
        }
        if let Some(group) = self.groups.get_mut(&number) {
            group.members.push(pid);
        }
        let member = Member { process, listens: Vec::new(), named, group: number };
        self.members.insert(pid, member);
        self.publish(number);
        self.enlist(pid);
    }

    /// Writes the process into the directory, under its service.
    pub(crate) fn enlist(&self, pid: u32) {
        if let Some(member) = self.members.get(&pid) {
            let group = self.groups.get(&member.group);
            let id = group.and_then(|group| group.id).unwrap_or(EntityId::OTHER);
            self.directory.enlist(&member.process, id, self.alone(member));
        }
    }

    /// A process leaves its group; the service stays in the book, for what it did is not undone.
    pub(crate) fn leave(&mut self, pid: u32, departure: Departure) {
        match departure {
            Departure::Exited => self.directory.gone(pid),
            Departure::Replaced => self.directory.replaced(pid),
        }
        let Some(member) = self.members.remove(&pid) else {
            return;
        };
        self.changes += 1;
        let Some(group) = self.groups.get_mut(&member.group) else {
            return;
        };
        group.members.retain(|&other| other != pid);
        if !group.members.is_empty() {
            self.publish(member.group);
            return;
        }
        let key = group.key.clone();
        let last = group.id;
        let entity = self.entity(&key, member.group);
        if self.withdraw(&key, member.group) {
            self.directory.place(last, entity, &[]);
            let is_sole = departure == Departure::Replaced;
            self.became = last.filter(|_| is_sole).map(|service| (pid, member.named, service));
        }
        self.groups.remove(&member.group);
    }

    /// The process listens on these addresses now.
    pub(crate) fn listens(&mut self, pid: u32, mut listens: Vec<Listen>) {
        listens.sort_unstable();
        listens.dedup();
        let Some(member) = self.members.get_mut(&pid) else {
            return;
        };
        if member.listens == listens {
            return;
        }
        member.listens = listens;
        let number = member.group;
        let tcp = member.listens.iter().find(|l| l.protocol == Listen::TCP);
        let port = tcp.or(member.listens.first()).map(|l| l.address.port());
        if let Some(group) = self.groups.get_mut(&number)
            && let Some(port) = port
        {
            group.port = Some(group.port.map_or(port, |known| known.min(port)));
        }
        self.publish(number);
        self.describe(pid);
    }

    /// The process overwrote its arguments or command name and is otherwise what it was.
    pub(crate) fn retitle(&mut self, process: Process) {
        let pid = process.pid;
        if let Some(member) = self.members.get_mut(&pid) {
            member.process = process;
            self.describe(pid);
        }
    }

    /// A later look told more about the process's runtime.
    pub(crate) fn runs_on(&mut self, pid: u32, runtime: Runtime) {
        let Some(member) = self.members.get_mut(&pid).filter(|m| m.process.runtime != runtime)
        else {
            return;
        };
        member.process.runtime = runtime;
        let (number, now) = (member.group, facts(&member.process));
        if let Some(group) = self.groups.get_mut(&number)
            && group.members.first() == Some(&pid)
        {
            let template = &mut group.template;
            template.language = now.language;
            template.runtime = now.runtime;
            template.runtime_version = now.runtime_version;
            template.runtime_vendor = now.runtime_vendor;
            self.publish(number);
        }
        self.describe(pid);
    }

    /// True if `named` would give the process the name it has.
    pub(crate) fn keeps_name(&self, pid: u32, named: &Named) -> bool {
        let member = self.members.get(&pid);
        member.is_some_and(|member| member.named == *named || named.is_weak())
    }

    /// The group of the parent if the process is one more of the same, or else of its siblings:
    /// one master may run several pools, each with a name.
    fn parents_group(&self, process: &Process, named: &Named) -> Option<u32> {
        let parent = self.members.get(&process.parent)?;
        if parent.process.start > process.start || !runs_as(&parent.process, process) {
            return None;
        }
        if named.is_weak() || self.is_named(parent.group, named) {
            return Some(parent.group);
        }
        let mut members = self.members.values();
        let sibling = members.find(|other| {
            other.process.parent == process.parent
                && runs_as(&other.process, process)
                && self.is_named(other.group, named)
        });
        sibling.map(|sibling| sibling.group)
    }

    fn is_named(&self, group: u32, named: &Named) -> bool {
        self.groups.get(&group).is_some_and(|group| {
            group.template.name == named.name
                && group.template.namespace == named.namespace
                && group.instance == named.instance
        })
    }

    /// A new group with this process as its first.
    fn found(&mut self, process: &Process, named: &Named) -> u32 {
        let number = self.next_group;
        self.next_group = self.next_group.wrapping_add(1);
        let template = Entity {
            name: named.name.clone(),
            aliases: named.aliases.clone(),
            reason: named.reason.to_owned(),
            namespace: named.namespace.clone(),
            ..facts(process)
        };
        let group = Group {
            id: None,
            key: Key::default(),
            template,
            instance: named.instance.clone(),
            port: None,
            members: Vec::new(),
        };
        self.groups.insert(number, group);
        number
    }

    /// Works out the group's service and writes it into the directory.
    fn publish(&mut self, number: u32) -> EntityId {
        let host = self.directory.host().to_owned();
        let Some(group) = self.groups.get_mut(&number) else {
            return EntityId::OTHER;
        };
        let key = Key {
            name: group.template.name.clone(),
            namespace: group.template.namespace.clone(),
            instance: group.instance_on(&host),
        };
        let left = std::mem::replace(&mut group.key, key.clone());
        let current = group.id;
        if left != key {
            self.withdraw(&left, number);
            self.services.entry(key.clone()).or_default().push(number);
        }
        let entity = self.entity(&key, number);
        let Some(group) = self.groups.get_mut(&number) else {
            return EntityId::OTHER;
        };
        let id = self.directory.place(current, entity, &group.members);
        group.id = Some(id);
        id
    }

    /// Takes the group out of its service; true if the service has no group left.
    fn withdraw(&mut self, key: &Key, number: u32) -> bool {
        let Some(groups) = self.services.get_mut(key) else {
            return true;
        };
        groups.retain(|&other| other != number);
        let is_empty = groups.is_empty();
        if is_empty {
            self.services.remove(key);
        } else if let Some(&other) = groups.first() {
            self.publish(other);
        }
        is_empty
    }

    /// The service of `key` as it is now: the facts of its oldest group, the processes and
    /// listeners of all.
    fn entity(&self, key: &Key, number: u32) -> Entity {
        let own = [number];
        let numbers = self.services.get(key).map_or(&own[..], Vec::as_slice);
        let groups = numbers.iter().filter_map(|number| self.groups.get(number));
        let mut entity = Entity::default();
        let mut listens = Vec::new();
        for group in groups {
            if entity.name.is_empty() {
                entity = group.template.clone();
                entity.instance.clone_from(&key.instance);
            }
            for pid in &group.members {
                entity.pids.push(*pid);
                let member = self.members.get(pid);
                listens.extend(member.into_iter().flat_map(|member| &member.listens));
            }
        }
        entity.pids.sort_unstable();
        listens.sort_unstable();
        listens.dedup();
        entity.listens = listens.into_iter().map(Listen::label).collect();
        entity
    }

    fn describe(&self, pid: u32) {
        if let Some(member) = self.members.get(&pid) {
            self.directory.describe(pid, self.alone(member));
        }
    }

    /// The process as an entity of its own, under the name of its service.
    fn alone(&self, member: &Member) -> Entity {
        let process = &member.process;
        let group = self.groups.get(&member.group);
        let mut entity = facts(process);
        if let Some(group) = group {
            entity.name.clone_from(&group.template.name);
            entity.reason.clone_from(&group.template.reason);
            entity.namespace.clone_from(&group.template.namespace);
            entity.version.clone_from(&group.template.version);
            entity.instance.clone_from(&group.key.instance);
        }
        entity.pids = vec![process.pid];
        entity.listens = member.listens.iter().map(Listen::label).collect();
        entity
    }
}

impl Member {
    /// True if this rule gave the process its name.
    pub(crate) fn is_named_by(&self, reason: &str) -> bool {
        self.named.reason == reason
    }
}

impl Group {
    /// Its own word, else its place in the cluster (`namespace.pod.container`, which a restart does
    /// not change), else the container, else the host with the port it is reached at.
    fn instance_on(&self, host: &str) -> String {
        if let Some(instance) = &self.instance {
            return instance.clone();
        }
        let Entity { container, pod, pod_namespace, container_name, .. } = &self.template;
        if !pod.is_empty() {
            let parts = [pod_namespace, pod, container_name].map(String::as_str);
            return parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        }
        if !container.is_empty() {
            let digits = container.get(..CONTAINER_DIGITS);
            return digits.filter(|_| is_id(container)).unwrap_or(container).to_owned();
        }
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

/// True if both run the same program in the same place.
fn runs_as(one: &Process, other: &Process) -> bool {
    !one.executable.is_empty()
        && one.executable == other.executable
        && one.cgroup == other.cgroup
        && one.network_namespace == other.network_namespace
}

/// What an entity says about its process whatever it is called.
fn facts(process: &Process) -> Entity {
    let labels = process.labels.as_deref().cloned().unwrap_or_default();
    let given = [environment::version(process).unwrap_or_default(), names::version(&labels)];
    let given = given.into_iter().find(|version| !version.is_empty());
    let version = given.unwrap_or_else(|| process.runtime.program_version.clone());
    Entity {
        executable: process.executable.clone(),
        arguments: mask::arguments(&process.argv),
        network_namespace: process.network_namespace,
        language: process.runtime.language.to_owned(),
        runtime: process.runtime.name.to_owned(),
        runtime_version: process.runtime.version.clone(),
        runtime_vendor: process.runtime.vendor.clone(),
        version,
        container: process.container.clone(),
        container_name: labels.name,
        image: labels.image,
        pod: labels.pod,
        pod_namespace: labels.pod_namespace,
        unit: process.unit.clone(),
        user_unit: process.user_unit.clone(),
        slice: process.slice.clone(),
        local: true,
        ..Entity::default()
    }
}
