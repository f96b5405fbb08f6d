//! Which admission plugins the flags ask for.
//! k8s: pkg/kubeapiserver/options/admission.go, staging/src/k8s.io/apiserver/pkg/server/options/admission.go

use super::plugin_files;
use crate::configuration::ClientCertificates;
use crate::flags::Flags;
use std::collections::BTreeSet;
use steersman_core::admission::plugin_names;
use steersman_core::config::AdmissionOptions;
use steersman_core::value::Text;

const ONLY: &str = "admission-control";
const ENABLE: &str = "enable-admission-plugins";
const DISABLE: &str = "disable-admission-plugins";

/// The plugins that are enabled and disabled, what flags tell them, and the client certificates that they show.
///
/// # Errors
/// Names of plugins that kube-apiserver does not know, and flags that contradict each other.
pub(super) fn admission(flags: &Flags) -> Result<(AdmissionOptions, ClientCertificates), String> {
    if flags.is_given(ONLY) && (flags.is_given(ENABLE) || flags.is_given(DISABLE)) {
        return Err(format!("{ONLY} and {ENABLE}/{DISABLE} flags are mutually exclusive"));
    }
    let [only, mut enabled, mut disabled] = [ONLY, ENABLE, DISABLE].map(|flag| flags.list(flag));
    for (flag, names) in [(ONLY, &only), (ENABLE, &enabled), (DISABLE, &disabled)] {
        if let Some(name) = names.iter().find(|name| !plugin_names().any(|known| known == **name)) {
            return Err(format!("{flag} plugin {name:?} is unknown"));
        }
    }
    let both: BTreeSet<&str> =
        enabled.iter().filter(|name| disabled.contains(name)).map(String::as_str).collect();
    if !both.is_empty() {
        let both: Vec<&str> = both.into_iter().collect();
        return Err(format!("[{}] in {ENABLE} and {DISABLE} overlapped", both.join(" ")));
    }
    if flags.is_given(ONLY) {
        let others = plugin_names().filter(|name| !only.iter().any(|named| named == name));
        disabled = others.map(String::from).collect();
        enabled = only;
    }
    let texts = |names: Vec<String>| names.into_iter().map(Text::from).collect();
    let mut options = AdmissionOptions {
        enabled: texts(enabled),
        disabled: texts(disabled),
        not_ready_toleration_seconds: flags.int("default-not-ready-toleration-seconds"),
        unreachable_toleration_seconds: flags.int("default-unreachable-toleration-seconds"),
        ..AdmissionOptions::default()
    };
    let certificates = plugin_files::read(&mut options, flags.text("admission-control-config-file"))?;
    Ok((options, certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Result<AdmissionOptions, String> {
        let given: Vec<String> = line.split_ascii_whitespace().map(String::from).collect();
        admission(&crate::flags::parse(&given).expect(line)).map(|(options, _)| options)
    }

    #[test]
    fn contradictions_and_unknown_plugins_are_refused() {
        let cases = [
            ("--enable-admission-plugins=X", "enable-admission-plugins plugin \"X\" is unknown"),
            ("--disable-admission-plugins=Y", "disable-admission-plugins plugin \"Y\" is unknown"),
            ("--admission-control=Z", "admission-control plugin \"Z\" is unknown"),
            (
                "--admission-control=Priority --disable-admission-plugins=LimitRanger",
                "admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive",
            ),
            (
                "--enable-admission-plugins=Priority,LimitRanger --disable-admission-plugins=LimitRanger,Priority",
                "[LimitRanger Priority] in enable-admission-plugins and disable-admission-plugins overlapped",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(told(line), Err(expected.into()), "{line}");
        }
    }

    #[test]
    fn the_old_flag_names_all_plugins_that_are_asked() {
        let found = told("--admission-control=Priority,LimitRanger").expect("flags");
        assert_eq!(found.enabled, ["Priority", "LimitRanger"]);
        let others = plugin_names().filter(|name| !matches!(*name, "Priority" | "LimitRanger"));
        assert!(found.disabled.iter().map(Text::as_str).eq(others));
        assert_eq!(told(""), Ok(AdmissionOptions::default()));
        let seconds = told("--default-not-ready-toleration-seconds=5").expect("flags");
        let expected = AdmissionOptions { not_ready_toleration_seconds: 5, ..AdmissionOptions::default() };
        assert_eq!(seconds, expected);
    }
}
