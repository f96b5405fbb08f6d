//! Flags as kube-apiserver takes them: one table, Go's syntax, checked values.

mod arguments;
mod authentication;
mod help;
mod parse;
mod suggest;
mod table;
mod unserved;
mod value;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

pub(crate) use arguments::arguments;
pub(crate) use help::help;
pub(crate) use parse::parse;
pub(crate) use unserved::Unserved;
pub(crate) use value::module_levels;

/// A group of flags in the help.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) flags: &'static [Flag],
}

/// The groups that the help shows; the others hold what kube-apiserver hides.
fn shown() -> impl Iterator<Item = &'static Section> {
    table::SECTIONS.iter().filter(|section| !section.name.is_empty())
}

/// One flag.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) kind: FlagType,
    /// As it would be written on the command line.
    pub(crate) default: &'static str,
    /// What it does, for the help.
    pub(crate) usage: &'static str,
    pub(crate) effect: FlagEffect,
}

/// What a flag does in this server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FlagEffect {
    /// It has its documented effect.
    Works,
    /// Some of its values promise protection that is not served.
    WorksInPart { is_unserved: fn(&str) -> bool, instead: &'static str },
    /// It has no effect, and no protection is missing because of that.
    Harmless,
    /// It promises protection that is not served.
    Unserved { instead: &'static str },
}

/// The type of a flag's value, by pflag's and kube-apiserver's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlagType {
    Bool,
    Duration,
    Float,
    Float32,
    Int,
    Int32Slice,
    Ip,
    Level,
    MapStringString,
    Multimap,
    NamedCertKey,
    Pattern,
    PortRange,
    Quantity,
    Str,
    StringArray,
    Strings,
    StringToString,
    /// A truth, or a list of names.
    TruthOrStrings,
    Version,
}

/// What was given on the command line, by flag; every value has been checked.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    given: BTreeMap<&'static str, Vec<String>>,
}

impl Flags {
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The last value given, or the default.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.given.get(name).and_then(|values| values.last()).map_or(find(name).default, String::as_str)
    }

    pub(crate) fn bool(&self, name: &str) -> bool {
        let text = self.text(name);
        !text.is_empty() && value::parse_bool(text).expect("values are checked")
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        let text = self.text(name);
        if text.is_empty() { 0 } else { value::parse_int(text).expect("values are checked") }
    }

    /// A negative duration is 0.
    pub(crate) fn duration(&self, name: &str) -> Duration {
        let text = self.text(name);
        if text.is_empty() {
            Duration::ZERO
        } else {
            value::parse_duration(text).expect("values are checked")
        }
    }

    /// None when the flag is not given and has no default.
    pub(crate) fn address(&self, name: &str) -> Option<IpAddr> {
        let text = self.text(name);
        (!text.is_empty()).then(|| value::parse_ip(text).expect("values are checked"))
    }

    /// All values of a flag that takes several.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let flag = find(name);
        match self.given.get(name) {
            Some(values) => values.iter().flat_map(|text| flag.kind.split(text)).collect(),
            None => flag.kind.split(flag.default),
        }
    }
}

/// The flag of a name that is in the table.
fn find(name: &str) -> &'static Flag {
    lookup(name).unwrap_or_else(|| panic!("--{name} is not in the table"))
}

fn lookup(name: &str) -> Option<&'static Flag> {
    table::SECTIONS.iter().flat_map(|section| section.flags).find(|flag| flag.name == name)
}
