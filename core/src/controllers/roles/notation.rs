//! Reads the notation of the default policy.

use crate::controllers::plan::texts;
use crate::value::{Text, Value};
use alloc::format;
use alloc::vec::Vec;

/// All roles and bindings of the policy.
#[derive(Debug, Default)]
pub(super) struct Policy<'p> {
    pub(super) roles: Vec<Role<'p>>,
    pub(super) bindings: Vec<Binding<'p>>,
}

/// A role; a cluster role if it has no namespace.
#[derive(Debug)]
pub(super) struct Role<'p> {
    pub(super) namespace: &'p str,
    pub(super) name: Text,
    /// The labels, without their prefix, of the roles that its rules are added to, and of those that add to it.
    pub(super) to: Vec<&'p str>,
    pub(super) from: Vec<&'p str>,
    pub(super) rules: Vec<Rule<'p>>,
}

/// A rule: verbs, and what they are about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule<'p> {
    verbs: Vec<&'p str>,
    object: RuleObject<'p>,
}

#[derive(Debug, PartialEq, Eq)]
enum RuleObject<'p> {
    Resources { groups: Vec<&'p str>, resources: Vec<&'p str>, names: Vec<&'p str> },
    Urls(Vec<&'p str>),
}

/// A binding; of a cluster role for the whole cluster if it has no namespace.
#[derive(Debug)]
pub(super) struct Binding<'p> {
    pub(super) namespace: &'p str,
    pub(super) name: Text,
    pub(super) role: Text,
    /// Kind, namespace (empty for users and groups) and name.
    pub(super) subjects: Vec<(SubjectKind, &'p str, &'p str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectKind {
    User,
    Group,
    ServiceAccount,
}

impl<'p> Policy<'p> {
    /// Panics if the text breaks the notation: it is part of the program.
    pub(super) fn parse(text: &'p str) -> Self {
        let mut policy = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(rule) = line.strip_prefix(' ') {
                let role = policy.roles.last_mut().expect("a rule follows the head of its role");
                role.rules.push(Rule::parse(rule));
                continue;
            }
            let (word, rest) = line.split_once(' ').expect("a head has a word and a name");
            let mut words = rest.split(' ');
            let mut next = || words.next().unwrap_or_default();
            match word {
                "clusterrole" => {
                    let name = next().into();
                    policy.roles.push(Role::labelled("", name, words));
                }
                "controller" => {
                    let account = next();
                    let name = Text::from(format!("system:controller:{account}"));
                    let subjects = [(SubjectKind::ServiceAccount, "kube-system", account)].to_vec();
                    policy.roles.push(Role::labelled("", name.clone(), words));
                    policy.bindings.push(Binding { namespace: "", name: name.clone(), role: name, subjects });
                }
                "role" => {
                    let (namespace, name) = (next(), next().into());
                    policy.roles.push(Role::labelled(namespace, name, words));
                }
                "clusterbinding" => {
                    let (name, subjects) = (Text::from(next()), subjects(next()));
                    policy.bindings.push(Binding { namespace: "", name: name.clone(), role: name, subjects });
                }
                "binding" => {
                    let (namespace, name, role) = (next(), next().into(), next().into());
                    policy.bindings.push(Binding { namespace, name, role, subjects: subjects(next()) });
                }
                other => panic!("the policy has no {other}"),
            }
        }
        policy
    }
}

impl<'p> Role<'p> {
    fn labelled(namespace: &'p str, name: Text, labels: impl Iterator<Item = &'p str>) -> Self {
        let mut role = Self { namespace, name, to: Vec::new(), from: Vec::new(), rules: Vec::new() };
        for label in labels {
            match label.split_once(':') {
                Some(("to", label)) => role.to.push(label),
                Some(("from", label)) => role.from.push(label),
                Some(_) | None => panic!("the label {label} says to or from"),
            }
        }
        role
    }
}

fn subjects(list: &str) -> Vec<(SubjectKind, &str, &str)> {
    let subject = |item| match str::split_once(item, ':') {
        Some(("user", name)) => (SubjectKind::User, "", name),
        Some(("group", name)) => (SubjectKind::Group, "", name),
        Some(("account", account)) => {
            let (namespace, name) = account.split_once('/').expect("an account has a namespace");
            (SubjectKind::ServiceAccount, namespace, name)
        }
        Some(_) | None => panic!("{item} is no subject"),
    };
    list.split(',').filter(|item| *item != "-").map(subject).collect()
}

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

impl<'p> Rule<'p> {
    fn parse(line: &'p str) -> Self {
        if line == "events" {
            return Self::parse("create,patch,update core,events.k8s.io events");
        }
        let list = |words: &'p str| words.split(',').collect::<Vec<_>>();
        let mut words = line.split(' ');
        let mut verbs = Vec::new();
        for verb in words.next().unwrap_or_default().split(',') {
            match verb {
                "read" => verbs.extend(READ),
                "write" => verbs.extend(WRITE),
                "change" => verbs.extend(["patch", "update"]),
                verb => verbs.push(verb),
            }
        }
        // Upstream sorts the words of each list.
        verbs.sort_unstable();
        let (groups, about) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if groups == "url" {
            return Self { verbs, object: RuleObject::Urls(list(about)) };
        }
        let groups = groups.split(',').map(|group| if group == "core" { "" } else { group }).collect();
        let names = words.next().map(list).unwrap_or_default();
        Self { verbs, object: RuleObject::Resources { groups, resources: list(about), names } }
    }

    pub(super) fn to_value(&self) -> Value {
        let list = |words: &[&str]| texts(words.iter().copied());
        let mut value = Value::empty_map();
        value.set("verbs", list(&self.verbs));
        match &self.object {
            RuleObject::Resources { groups, resources, names } => {
                value.set("apiGroups", list(groups));
                value.set("resources", list(resources));
                if !names.is_empty() {
                    value.set("resourceNames", list(names));
                }
            }
            RuleObject::Urls(urls) => value.set("nonResourceURLs", list(urls)),
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_rules_and_subjects_are_read() {
        let text = "# about\nclusterrole view to:edit from:view\ncontroller job from:x\n read,write batch jobs a,b\n \
                    get url /a,/b\n events\nrole ns one\nclusterbinding c group:g,user:system:u\n\
                    binding ns two one account:n/a\nclusterbinding none -";
        let policy = Policy::parse(text);
        let names: Vec<_> = policy.roles.iter().map(|role| (role.namespace, &*role.name)).collect();
        assert_eq!(names, [("", "view"), ("", "system:controller:job"), ("ns", "one")]);
        assert_eq!((&*policy.roles[0].to, &*policy.roles[0].from), (&["edit"][..], &["view"][..]));
        let rules: Vec<_> = policy.roles[1].rules.iter().map(|rule| rule.to_value()).collect();
        assert_eq!(rules.len(), 3);
        assert_eq!(policy.roles[1].rules[2], Rule::parse("create,patch,update core,events.k8s.io events"));
        let bound: Vec<_> = policy.bindings.iter().map(|held| (&*held.name, &*held.subjects)).collect();
        let account = (SubjectKind::ServiceAccount, "kube-system", "job");
        assert_eq!(bound[0], ("system:controller:job", &[account][..]));
        let both = [(SubjectKind::Group, "", "g"), (SubjectKind::User, "", "system:u")];
        assert_eq!(bound[1], ("c", &both[..]));
        assert_eq!(bound[2], ("two", &[(SubjectKind::ServiceAccount, "n", "a")][..]));
        assert_eq!(bound[3], ("none", &[][..]));
    }
}
