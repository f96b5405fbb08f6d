//! The flags as clap describes arguments, for completion scripts and manual pages. They are never parsed so.

use clap::{Arg, ArgAction, ValueHint};

use super::help::description;
use super::{Flag, FlagType, shown};

/// Every flag that the help shows, except for `--help`, which clap adds.
pub(crate) fn arguments() -> Vec<Arg> {
    let flags = shown().flat_map(|section| section.flags.iter().map(|flag| (section.name, flag)));
    flags.filter(|(_, flag)| flag.name != "help").map(|(section, flag)| argument(section, flag)).collect()
}

fn argument(section: &'static str, flag: &'static Flag) -> Arg {
    let argument =
        Arg::new(flag.name).long(flag.name).help(description(flag)).help_heading(format!("{section} flags"));
    let argument = if flag.name == "v" { argument.short('v') } else { argument };
    match flag.kind {
        FlagType::Bool | FlagType::Version => argument.action(ArgAction::SetTrue),
        kind => argument.action(ArgAction::Append).value_name(kind.word()).value_hint(hint(flag.name)),
    }
}

/// What a shell should offer for a flag's value.
fn hint(name: &str) -> ValueHint {
    match name {
        "record" => ValueHint::FilePath,
        file if file.ends_with("file") || file.ends_with("-config") => ValueHint::FilePath,
        folder if folder.ends_with("-dir") => ValueHint::DirPath,
        _ => ValueHint::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_are_offered_where_they_are_meant() {
        let hint_of = |name: &str| {
            let found = arguments().into_iter().find(|argument| argument.get_id() == name);
            found.map(|argument| argument.get_value_hint())
        };
        assert_eq!(hint_of("token-auth-file"), Some(ValueHint::FilePath));
        assert_eq!(hint_of("etcd-cafile"), Some(ValueHint::FilePath));
        assert_eq!(hint_of("data-dir"), Some(ValueHint::DirPath));
        assert_eq!(hint_of("etcd-servers"), Some(ValueHint::Other));
        assert_eq!(hint_of("kubelet-port"), None, "kube-apiserver hides it");
    }
}
