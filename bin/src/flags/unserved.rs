//! Flags that promise protection which is not implemented. The server does not start with them, unless
//! `--allow-unimplemented-flags` allows it.

use super::{Flag, FlagEffect, Flags, find, lookup, value};

/// The flag that allows a start without what other flags promise.
const ALLOW: &str = "allow-unimplemented-flags";

/// Flags that were given and do not have their documented effect.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unserved {
    /// They promise protection, and a start without it was not allowed. Each entry has the flag, and `--flag=value:
    /// what happens instead`.
    pub(crate) refused: Vec<(&'static str, String)>,
    /// The same flags, if the start without them was allowed.
    pub(crate) allowed: Vec<(&'static str, String)>,
    /// They have no effect, and no protection is missing because of that.
    pub(crate) harmless: Vec<&'static str>,
}

impl Flags {
    /// The given flags that are not implemented.
    pub(crate) fn unserved(&self) -> Unserved {
        let mut found = Unserved::default();
        for name in self.given.keys().copied() {
            let flag = find(name);
            match flag.effect {
                FlagEffect::Works => {}
                FlagEffect::WorksInPart { is_unserved, instead } => {
                    let values = self.values(flag);
                    let values: Vec<&str> =
                        values.iter().map(String::as_str).filter(|value| is_unserved(value)).collect();
                    if !values.is_empty() {
                        self.sort_in(&mut found, name, &values.join(","), instead);
                    }
                }
                FlagEffect::Harmless => found.harmless.push(name),
                FlagEffect::Unserved { instead } => {
                    let given = self.values(flag).join(",");
                    // Upstream's default value asks for no protection.
                    if !flag.kind.is_same(&given, flag.default) {
                        self.sort_in(&mut found, name, &given, instead);
                    }
                }
            }
        }
        found
    }

    fn sort_in(&self, found: &mut Unserved, name: &'static str, value: &str, instead: &str) {
        let line = format!("--{name}={value}: {instead}");
        if self.allows(name) { &mut found.allowed } else { &mut found.refused }.push((name, line));
    }

    /// The values of a flag that count: all of a list, the last of others.
    fn values(&self, flag: &Flag) -> Vec<String> {
        if flag.kind.is_list() { self.list(flag.name) } else { vec![self.text(flag.name).to_owned()] }
    }

    /// Whether the server may start without what a flag promises.
    fn allows(&self, name: &str) -> bool {
        let given = self.list(ALLOW);
        // A later bool replaces what was said before it.
        let truth = given.iter().rev().find_map(|part| value::parse_bool(part).ok()).unwrap_or(false);
        truth || given.iter().any(|part| part.trim_start_matches("--") == name)
    }
}

impl Unserved {
    /// Why the server does not start, and what to do about it.
    pub(crate) fn refusal(&self) -> Option<String> {
        if self.refused.is_empty() {
            return None;
        }
        let mut text = String::from("these flags promise protection that this server does not give yet:\n");
        for (_, line) in &self.refused {
            text += &format!("  {line}\n");
        }
        let names: Vec<&str> = self.refused.iter().map(|(name, _)| *name).collect();
        text += &format!(
            "Leave them out, or start without that protection: --{ALLOW}={} (or =true for all flags)",
            names.join(",")
        );
        Some(text)
    }
}

/// Whether every part is a truth or the name of a flag.
pub(super) fn check_names(parts: &[String]) -> Result<(), String> {
    let is_known =
        |part: &&String| value::parse_bool(part).is_ok() || lookup(part.trim_start_matches("--")).is_some();
    match parts.iter().find(|part| !is_known(part)) {
        Some(part) => Err(format!("must be true, false or names of flags, and there is no flag {part:?}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, table};
    use super::*;

    fn unserved(line: &str) -> Unserved {
        let arguments: Vec<String> = line.split_ascii_whitespace().map(String::from).collect();
        parse(&arguments).unwrap_or_else(|error| panic!("{line}: {error}")).unserved()
    }

    fn names(found: &[(&'static str, String)]) -> Vec<&'static str> {
        found.iter().map(|(name, _)| *name).collect()
    }

    /// The manifest that takes kube-apiserver's place in a cluster of kubeadm.
    #[test]
    fn all_flags_of_the_packaged_manifest_have_their_effect() {
        let manifest = include_str!("../../packaging/kube-apiserver.yaml");
        let flags = manifest.lines().filter_map(|line| line.trim().strip_prefix("- --"));
        let line: Vec<String> = flags.map(|flag| format!("--{flag}")).collect();
        assert_eq!(line.len(), 27);
        assert_eq!(unserved(&line.join(" ")), Unserved::default());
    }

    #[test]
    fn flags_that_promise_protection_stop_the_start() {
        let cases: [(&str, &[&str]); 26] = [
            ("--encryption-provider-config=/etc/x.yaml", &["encryption-provider-config"]),
            ("--encryption-provider-config=", &[]),
            ("--audit-log-path=- --audit-log-maxage=366", &["audit-log-path"]),
            ("--audit-log-maxage=30", &["audit-log-maxage"]),
            ("--audit-webhook-batch-max-wait=30000ms", &[]),
            ("--audit-webhook-batch-throttle-qps=10.0", &[]),
            ("--enable-admission-plugins=NodeRestriction", &[]),
            ("--enable-admission-plugins=MutatingAdmissionPolicy", &[]),
            ("--enable-admission-plugins=Priority,LimitRanger", &[]),
            ("--admission-control=LimitRanger", &[]),
            ("--admission-control=LimitRanger,MutatingAdmissionPolicy", &[]),
            ("--disable-admission-plugins=ServiceAccount", &[]),
            ("--admission-control-config-file=x", &[]),
            ("--authorization-mode=AlwaysAllow", &[]),
            ("--authorization-mode=RBAC", &[]),
            ("--authorization-mode=Node,RBAC", &[]),
            ("--authorization-mode=AlwaysAllow --authorization-mode=Node", &[]),
            ("--authorization-webhook-cache-authorized-ttl=300s", &[]),
            ("--oidc-issuer-url=https://x --oidc-signing-algs=RS256", &[]),
            ("--requestheader-client-ca-file=x", &[]),
            ("--enable-bootstrap-token-auth", &[]),
            ("--service-account-lookup=false", &[]),
            ("--runtime-config=api/all=true", &[]),
            ("--runtime-config=api/all=false,api/v1=true", &["runtime-config"]),
            ("--allow-privileged=false", &[]),
            (
                "--tls-curve-preferences=29 --egress-selector-config-file=x",
                &["egress-selector-config-file", "tls-curve-preferences"],
            ),
        ];
        for (line, expected) in cases {
            let found = unserved(line);
            assert_eq!(names(&found.refused), expected, "{line}");
            assert_eq!(found.refusal().is_some(), !expected.is_empty(), "{line}");
            let allowed = unserved(&format!("{line} --allow-unimplemented-flags"));
            assert_eq!((names(&allowed.allowed).as_slice(), allowed.refusal()), (expected, None), "{line}");
        }
    }

    #[test]
    fn the_start_is_allowed_by_name() {
        let line = "--audit-log-path=- --encryption-provider-config=x";
        let cases: [(&str, &[&str]); 6] = [
            ("=audit-log-path", &["encryption-provider-config"]),
            ("=--encryption-provider-config,audit-log-path", &[]),
            ("=true", &[]),
            ("=false", &["audit-log-path", "encryption-provider-config"]),
            ("=true,false", &["audit-log-path", "encryption-provider-config"]),
            ("=v", &["audit-log-path", "encryption-provider-config"]),
        ];
        for (value, expected) in cases {
            let found = unserved(&format!("{line} --allow-unimplemented-flags{value}"));
            assert_eq!(names(&found.refused), expected, "{value}");
            assert_eq!(found.allowed.len() + found.refused.len(), 2);
        }
        let error = parse(&["--allow-unimplemented-flags=audit".to_owned()]).expect_err("no flag");
        assert!(error.contains("there is no flag \"audit\""), "{error}");
    }

    #[test]
    fn the_refusal_says_what_is_missing_and_what_to_do() {
        let text = unserved("--audit-log-path=- --egress-selector-config-file=x").refusal().expect("refused");
        assert_eq!(
            text,
            "these flags promise protection that this server does not give yet:\n  \
             --audit-log-path=-: no audit events are written\n  \
             --egress-selector-config-file=x: connections are not sent through a proxy\n\
             Leave them out, or start without that protection: \
             --allow-unimplemented-flags=audit-log-path,egress-selector-config-file (or =true for all flags)"
        );
    }

    /// A default is what upstream does without the flag, so it must not prevent the start.
    #[test]
    fn no_default_stops_the_start() {
        for flag in table::SECTIONS.iter().flat_map(|section| section.flags) {
            if !flag.default.is_empty() && flag.kind.check(flag.default).is_ok() {
                let found = unserved(&format!("--{}={}", flag.name, flag.default));
                assert_eq!(found.refusal(), None, "--{}", flag.name);
            }
        }
    }

    /// What common installers give, without the values that do not matter here.
    #[test]
    fn flags_of_installers() {
        let kubeadm = "--advertise-address=192.0.2.1 --allow-privileged=true --authorization-mode=Node,RBAC \
            --client-ca-file=x --enable-admission-plugins=NodeRestriction --enable-bootstrap-token-auth=true \
            --etcd-cafile=x --etcd-certfile=x --etcd-keyfile=x --etcd-servers=https://127.0.0.1:2379 \
            --kubelet-client-certificate=x --kubelet-client-key=x \
            --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname --proxy-client-cert-file=x \
            --proxy-client-key-file=x --requestheader-allowed-names=front-proxy-client \
            --requestheader-client-ca-file=x --requestheader-extra-headers-prefix=X-Remote-Extra- \
            --requestheader-group-headers=X-Remote-Group --requestheader-username-headers=X-Remote-User \
            --secure-port=6443 --service-account-issuer=https://x --service-account-key-file=x \
            --service-account-signing-key-file=x --service-cluster-ip-range=10.96.0.0/16 --tls-cert-file=x \
            --tls-private-key-file=x";
        let stopping_kubeadm: &[&str] = &[];
        let kind = format!("{kubeadm} --runtime-config= --feature-gates=");
        let envtest = "--allow-privileged=true --authorization-mode=RBAC --bind-address=127.0.0.1 --cert-dir=x \
            --client-ca-file=x --disable-admission-plugins=ServiceAccount --etcd-servers=http://127.0.0.1:2379 \
            --secure-port=6443 --service-account-issuer=https://x --service-account-key-file=x \
            --service-account-signing-key-file=x --service-cluster-ip-range=10.0.0.0/24";
        let cases = [
            (kubeadm, stopping_kubeadm),
            (kind.as_str(), stopping_kubeadm),
            (envtest, &[][..]),
            (envtest.replace("RBAC", "AlwaysAllow").leak(), &[]),
        ];
        for (line, expected) in cases {
            assert_eq!(names(&unserved(line).refused), expected, "{line}");
        }
    }
}
