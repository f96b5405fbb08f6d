//! The flag that was probably meant, for one that there is not.

use super::shown;

/// The flag with the most similar name, if one is similar enough that the other may be a slip. `name` is without dashes
/// in front.
pub(super) fn suggestion(name: &str) -> Option<&'static str> {
    let names = shown().flat_map(|section| section.flags).map(|flag| flag.name);
    let distance = |other: &str| strsim::damerau_levenshtein(name, other);
    let (far, nearest) = names.map(|other| (distance(other), other)).min()?;
    // Short names are near to each other without being meant.
    let allowed = name.chars().count() / 4;
    (far <= allowed.min(3)).then_some(nearest)
}

/// A sentence with the flag that was probably meant, to stand behind an error; empty when none is similar.
pub(super) fn did_you_mean(name: &str) -> String {
    suggestion(name).map_or(String::new(), |found| format!("\nDid you mean --{found}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_and_other_words_are_not() {
        let cases = [
            ("secure-prot", Some("secure-port")),
            ("secureport", Some("secure-port")),
            ("etcd-server", Some("etcd-servers")),
            ("authorisation-mode", Some("authorization-mode")),
            ("enable-admission-plugin", Some("enable-admission-plugins")),
            ("chekc", Some("check")),
            ("x", None),
            ("vv", None),
            ("insecure-port-of-mine", None),
            ("kubeconfig", None),
        ];
        for (name, expected) in cases {
            assert_eq!(suggestion(name), expected, "{name}");
        }
    }

    #[test]
    fn what_kube_apiserver_hides_is_not_suggested() {
        assert_ne!(suggestion("kubelet-por"), Some("kubelet-port"));
    }
}
