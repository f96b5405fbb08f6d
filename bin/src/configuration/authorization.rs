//! Who decides what callers may do: by flags, or by the file of `--authorization-config`, which may change while the
//! server runs.
//! k8s: pkg/kubeapiserver/options/authorization.go, pkg/kubeapiserver/authorizer/config.go, reload.go,
//! staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go ValidateAuthorizationConfiguration

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use steersman_core::config::{AbacPolicy, AuthorizationWebhook, Authorizer, ReviewVersion};
use steersman_core::expressions::ReviewConditions;
use steersman_core::status::{CauseType, Causes, Path as FieldPath};
use steersman_core::value::{Value, names, quoted};

use super::decode::{ConfigurationKind, items, read};
use super::{ClientCertificates, kubeconfig, policy, webhook};
use crate::flags::Flags;

const CONFIGURATION: ConfigurationKind = ConfigurationKind {
    kind: "AuthorizationConfiguration",
    group: "apiserver.config.k8s.io",
    versions: &["v1", "v1beta1", "v1alpha1"],
    type_name: "apiserver.v1.AuthorizationConfiguration",
};

/// The types of authorizers.
const TYPES: [&str; 6] = ["ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"];

/// Of this type there may be several.
const WEBHOOK: &str = "Webhook";

/// The time that a webhook of the flags has for an answer.
const FLAG_WEBHOOK_TIMEOUT: Duration = Duration::from_secs(30);

/// Flags that a file replaces.
const MODE_FLAGS: [&str; 5] = [
    "authorization-mode",
    "authorization-webhook-config-file",
    "authorization-webhook-version",
    "authorization-webhook-cache-authorized-ttl",
    "authorization-webhook-cache-unauthorized-ttl",
];

/// The authorizers in their order, and what they need.
#[derive(Debug, Default)]
pub(crate) struct Authorizers {
    pub(crate) list: Vec<Authorizer>,
    /// Client certificates for the servers that are asked, by the names that calls use for them.
    pub(crate) certificates: ClientCertificates,
    /// What a change of the file has to keep to; None without a file.
    pub(crate) following: Option<Following>,
}

/// A file that names the authorizers, and what it was at the start.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) path: String,
    contents: String,
    /// The types of the start, without Webhook: a changed file must have all of them and no others.
    types: Vec<String>,
    policies: Option<Arc<Vec<AbacPolicy>>>,
}

/// The authorizers that the flags name.
pub(crate) fn from_flags(flags: &Flags) -> Result<Authorizers, String> {
    match flags.text("authorization-config") {
        "" => of_modes(flags),
        _ if MODE_FLAGS.iter().any(|name| flags.is_given(name)) => {
            Err("--authorization-config can not be specified \
             when --authorization-mode or --authorization-webhook-* flags are defined"
                .into())
        }
        path => of_file(path, flags.text("authorization-policy-file")),
    }
}

fn of_modes(flags: &Flags) -> Result<Authorizers, String> {
    let modes = match flags.list("authorization-mode") {
        // Upstream allows everything then. Here that has to be asked for.
        none if none.is_empty() => vec!["Node".to_owned(), "RBAC".to_owned()],
        modes => modes,
    };
    let [policy_file, webhook_file] =
        ["authorization-policy-file", "authorization-webhook-config-file"].map(|name| flags.text(name));
    let has = |mode: &str| modes.iter().any(|held| held == mode);
    for mode in &modes {
        if !TYPES.contains(&mode.as_str()) {
            return Err(format!("authorization-mode {} is not a valid mode", quoted(mode)));
        }
        if mode == "ABAC" && policy_file.is_empty() {
            return Err("authorization-mode ABAC's authorization policy file not passed".into());
        }
        if mode == WEBHOOK && webhook_file.is_empty() {
            return Err("authorization-mode Webhook's authorization config file not passed".into());
        }
    }
    if !policy_file.is_empty() && !has("ABAC") {
        return Err("cannot specify --authorization-policy-file without mode ABAC".into());
    }
    if !webhook_file.is_empty() && !has(WEBHOOK) {
        return Err("cannot specify --authorization-webhook-config-file without mode Webhook".into());
    }
    if modes.iter().enumerate().any(|(at, mode)| modes[..at].contains(mode)) {
        return Err(format!("authorization-mode {modes:?} has mode specified more than once"));
    }
    let mut found = Authorizers::default();
    for mode in &modes {
        match mode.as_str() {
            "ABAC" => found.list.push(Authorizer::Abac(policy::load(policy_file)?)),
            WEBHOOK => found.add_webhook(webhook_file, |server| flag_webhook(flags, server))?,
            // Those that are not served have stopped the start, or were allowed to be missing.
            mode => found.list.extend(plain(mode)),
        }
    }
    if found.list.is_empty() {
        tracing::warn!("none of the authorizers is served: everybody who is authenticated may do everything");
        found.list.push(Authorizer::AlwaysAllow);
    }
    Ok(found)
}

/// An authorizer that needs no file; None for one that is not served.
fn plain(mode: &str) -> Option<Authorizer> {
    match mode {
        "AlwaysAllow" => Some(Authorizer::AlwaysAllow),
        "AlwaysDeny" => Some(Authorizer::AlwaysDeny),
        "Node" => Some(Authorizer::Node),
        "RBAC" => Some(Authorizer::Rbac),
        _ => None,
    }
}

fn flag_webhook(
    flags: &Flags,
    server: steersman_core::config::WebhookServer,
) -> Result<AuthorizationWebhook, String> {
    let version = flags.text("authorization-webhook-version");
    let millis = |name: &str| u64::try_from(flags.duration(name).as_millis()).unwrap_or(u64::MAX);
    Ok(AuthorizationWebhook {
        server,
        version: ReviewVersion::from_word(version).ok_or_else(|| {
            format!(
                "unsupported webhook authorizer version {}, supported versions are \"v1\", \"v1beta1\"",
                quoted(version)
            )
        })?,
        timeout_millis: u64::try_from(FLAG_WEBHOOK_TIMEOUT.as_millis()).unwrap_or(u64::MAX),
        authorized_millis: millis("authorization-webhook-cache-authorized-ttl"),
        unauthorized_millis: millis("authorization-webhook-cache-unauthorized-ttl"),
        denies_on_failure: false,
        conditions: ReviewConditions::default(),
    })
}

fn of_file(path: &str, policy_file: &str) -> Result<Authorizers, String> {
    let contents = std::fs::read_to_string(path).map_err(|error| format!("open {path}: {error}"))?;
    let configuration = load(&contents)?;
    let types: Vec<String> = items(&configuration, "authorizers")
        .iter()
        .map(|authorizer| authorizer.text_at(&["type"]).to_owned())
        .filter(|held| held != WEBHOOK)
        .collect();
    let policies = types.iter().any(|held| held == "ABAC").then(|| policy::load(policy_file)).transpose()?;
    let mut found = of_configuration(&configuration, policies.as_ref())?;
    found.following = Some(Following { path: path.to_owned(), contents, types, policies });
    Ok(found)
}

/// The authorizers of a file that has changed: None if it still says what it said.
pub(crate) fn from_file(following: &mut Following) -> Result<Option<Authorizers>, String> {
    let path = Path::new(&following.path);
    let contents =
        std::fs::read_to_string(path).map_err(|error| format!("open {}: {error}", following.path))?;
    if contents == following.contents {
        return Ok(None);
    }
    // A file that is not valid is complained of once.
    following.contents = contents;
    let configuration = load(&following.contents)?;
    let types: Vec<&str> =
        items(&configuration, "authorizers").iter().map(|held| held.text_at(&["type"])).collect();
    let mut missing: Vec<&str> =
        following.types.iter().map(String::as_str).filter(|held| !types.contains(held)).collect();
    if !missing.is_empty() {
        missing.sort_unstable();
        return Err(format!("missing required types: [{}]", missing.join(" ")));
    }
    let is_new = |held: &&&str| {
        matches!(**held, "Node" | "RBAC" | "ABAC") && !following.types.iter().any(|of| of == **held)
    };
    if let Some(new) = types.iter().find(is_new) {
        return Err(format!(
            "authorizer type {new} is not allowed if it was not enabled at initial server startup"
        ));
    }
    of_configuration(&configuration, following.policies.as_ref()).map(Some)
}

/// The valid configuration in a text.
fn load(text: &str) -> Result<Value, String> {
    let loaded = if text.is_empty() { Ok(Value::empty_map()) } else { read(text, &CONFIGURATION) };
    let configuration =
        loaded.map_err(|error| format!("failed to load AuthorizationConfiguration from file: {error}"))?;
    let mut causes = Causes::new();
    validate(&configuration, &mut causes);
    if !causes.is_empty() {
        return Err(causes.summary());
    }
    let misnamed = items(&configuration, "authorizers").iter().filter_map(|authorizer| {
        let [held, name] = ["type", "name"].map(|field| authorizer.text_at(&[field]));
        let expected = held.to_lowercase();
        let is_fine = held == WEBHOOK || expected == name;
        (!is_fine).then(|| format!("expected name {expected} for authorizer {held} instead of {name}"))
    });
    match misnamed.collect::<Vec<_>>().as_slice() {
        [] => Ok(configuration),
        [one] => Err(one.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}

fn validate(configuration: &Value, causes: &mut Causes) {
    let path = FieldPath::new("authorizers");
    let authorizers = items(configuration, "authorizers");
    if authorizers.is_empty() {
        causes.required(&path, "at least one authorization mode must be defined");
    }
    let (mut types, mut used): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let duplicate = |causes: &mut Causes, path: FieldPath, value: &str| {
        causes.push(CauseType::Duplicate, &path, format!("Duplicate value: {}", quoted(value)));
    };
    for (at, authorizer) in authorizers.iter().enumerate() {
        let path = path.index(at);
        let [held, name] = ["type", "name"].map(|field| authorizer.text_at(&[field]));
        if held.is_empty() {
            causes.required(&path.child("type"), "");
            continue;
        }
        if !TYPES.contains(&held) {
            causes.not_supported(&path.child("type"), &held.into(), &TYPES);
            continue;
        }
        if types.contains(&held) && held != WEBHOOK {
            duplicate(causes, path.child("type"), held);
            continue;
        }
        types.push(held);
        if name.is_empty() {
            causes.required(&path.child("name"), "");
        } else if used.contains(&name) {
            duplicate(causes, path.child("name"), name);
        } else {
            let problems = names::dns_subdomain(name, false);
            if !problems.is_empty() {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                let detail = format!("authorizer name is invalid: {}", problems.join(", "));
                causes.invalid(&path.child("name"), &name.into(), &detail);
            }
        }
        used.push(name);
        let given = authorizer.field("webhook").filter(|webhook| !webhook.is_null());
        match (held == WEBHOOK, given) {
            (true, None) => causes.required(&path.child("webhook"), "required when type=Webhook"),
            (true, Some(given)) => webhook::validate(given, &path, causes),
            (false, None) => {}
            (false, Some(_)) => {
                let detail = "may only be specified when type=Webhook";
                causes.invalid(&path.child("webhook"), &"non-null".into(), detail);
            }
        }
    }
}

/// The authorizers of a valid configuration.
fn of_configuration(
    configuration: &Value,
    policies: Option<&Arc<Vec<AbacPolicy>>>,
) -> Result<Authorizers, String> {
    let mut found = Authorizers::default();
    for authorizer in items(configuration, "authorizers") {
        match (authorizer.text_at(&["type"]), policies) {
            (WEBHOOK, _) => {
                let given = authorizer.field("webhook").unwrap_or(&Value::Null);
                let file = webhook::kubeconfig_file(given)
                    .ok_or("connectionInfo type InClusterConfig is not supported by this server")?;
                found.add_webhook(file, |server| webhook::authorizer(given, server))?;
            }
            ("ABAC", Some(policies)) => found.list.push(Authorizer::Abac(Arc::clone(policies))),
            (held, _) => found.list.push(
                plain(held)
                    .ok_or_else(|| format!("authorizer type {held} is not served by this server yet"))?,
            ),
        }
    }
    Ok(found)
}

impl Authorizers {
    fn add_webhook(
        &mut self,
        file: &str,
        webhook: impl FnOnce(steersman_core::config::WebhookServer) -> Result<AuthorizationWebhook, String>,
    ) -> Result<(), String> {
        let read = kubeconfig::load(Path::new(file))?;
        self.list.push(Authorizer::Webhook(Arc::new(webhook(read.server)?)));
        self.certificates.0.extend(read.certificate);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = "current-context: c\ncontexts: [{name: c, context: {cluster: a, user: b}}]\n\
            clusters: [{name: a, cluster: {server: 'https://hook.test/x', insecure-skip-tls-verify: true}}]\n\
            users: [{name: b, user: {}}]\n";
        std::fs::write(file.path(), text).expect("a file that can be written");
        file
    }

    fn text(authorizers: &str) -> String {
        format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n{authorizers}"
        )
    }

    fn webhook(name: &str, file: &Path, more: &str) -> String {
        format!(
            "- {{type: Webhook, name: {name}, webhook: {{timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: \
             Deny, \
             connectionInfo: {{type: KubeConfigFile, kubeConfigFile: {}}}{more}}}}}\n",
            file.display()
        )
    }

    #[test]
    fn a_file_names_the_authorizers_in_their_order() {
        let kubeconfig = kubeconfig();
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_str().expect("a path");
        let write = |text: &str| std::fs::write(path, text).expect("a file that can be written");
        let first = webhook(
            "first",
            kubeconfig.path(),
            ", authorizedTTL: 10s, cacheUnauthorizedRequests: false, \
             matchConditionSubjectAccessReviewVersion: v1, matchConditions: [{expression: request.user != 'a'}]",
        );
        write(&text(&(first.clone() + "- {type: AlwaysDeny, name: alwaysdeny}\n")));
        let mut found = of_file(path, "").expect("a valid file");
        let [Authorizer::Webhook(asked), Authorizer::AlwaysDeny] = found.list.as_slice() else {
            panic!("{:?}", found.list)
        };
        let times = (asked.timeout_millis, asked.authorized_millis, asked.unauthorized_millis);
        assert_eq!((times, asked.denies_on_failure), ((3_000, 10_000, 0), true));
        assert_eq!(asked.server.path, "/x");
        assert_eq!(asked.conditions.texts().collect::<Vec<_>>(), ["request.user != 'a'"]);

        let following = found.following.as_mut().expect("a file");
        assert!(from_file(following).expect("the same file").is_none());
        write(&text("- {type: AlwaysDeny, name: alwaysdeny}\n- {type: AlwaysAllow, name: alwaysallow}\n"));
        let changed = from_file(following).expect("a valid file").expect("a change");
        assert_eq!(changed.list, [Authorizer::AlwaysDeny, Authorizer::AlwaysAllow]);
        let refused = [
            (text(&first), "missing required types: [AlwaysDeny]"),
            (
                text("- {type: AlwaysDeny, name: alwaysdeny}\n- {type: ABAC, name: abac}\n"),
                "authorizer type ABAC is not allowed if it was not enabled at initial server startup",
            ),
            (text(""), "authorizers: Required value: at least one authorization mode must be defined"),
        ];
        for (changed, expected) in refused {
            write(&changed);
            assert_eq!(from_file(following).err().as_deref(), Some(expected));
            assert!(from_file(following).expect("complained of once").is_none());
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        let kubeconfig = kubeconfig();
        let of = |more: &str| webhook("a", kubeconfig.path(), more);
        let load_error = "failed to load AuthorizationConfiguration from file: ";
        let cases = [
            (text("- {name: x}"), "authorizers[0].type: Required value".to_owned()),
            (
                text("- {type: Nobody, name: x}"),
                "authorizers[0].type: Unsupported value: \"Nobody\": supported values: \"ABAC\", \"AlwaysAllow\", \
                 \"AlwaysDeny\", \"Node\", \"RBAC\", \"Webhook\""
                    .to_owned(),
            ),
            (
                text("- {type: AlwaysDeny, name: one}\n- {type: AlwaysDeny, name: two}"),
                "authorizers[1].type: Duplicate value: \"AlwaysDeny\"".to_owned(),
            ),
            (text("- {type: AlwaysDeny}"), "authorizers[0].name: Required value".to_owned()),
            (
                text("- {type: AlwaysDeny, name: deny}"),
                "expected name alwaysdeny for authorizer AlwaysDeny instead of deny".to_owned(),
            ),
            (
                text("- {type: AlwaysDeny, name: alwaysdeny, webhook: {}}"),
                "authorizers[0].webhook: Invalid value: \"non-null\": may only be specified when type=Webhook"
                    .to_owned(),
            ),
            (
                text("- {type: Webhook, name: a}"),
                "authorizers[0].webhook: Required value: required when type=Webhook".to_owned(),
            ),
            (
                text("- {type: Webhook, name: a, webhook: {}}"),
                "[authorizers[0].timeout: Required value, authorizers[0].subjectAccessReviewVersion: Required value, \
                 authorizers[0].failurePolicy: Required value, authorizers[0].connectionInfo.type: Required value]"
                    .to_owned(),
            ),
            (
                text(&(of("") + &of(""))),
                "authorizers[1].name: Duplicate value: \"a\"".to_owned(),
            ),
            (
                text(&of(", unauthorizedTTL: -1s")),
                "authorizers[0].unauthorizedTTL: Invalid value: \"-1s\": must be > 0s".to_owned(),
            ),
            (
                text(&of(
                    ", matchConditionSubjectAccessReviewVersion: v1, matchConditions: [{expression: 'true'}, \
                     {expression: 'nope'}, {expression: 'request.user'}, {expression: 'true'}]",
                )),
                "[authorizers[0].matchConditions[1].expression: Invalid value: \"nope\": compilation failed: ERROR: \
                 <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^, \
                 authorizers[0].matchConditions[2].expression: Invalid value: \"request.user\": must evaluate to bool \
                 but got string, authorizers[0].matchConditions[3].expression: Duplicate value: \"true\"]"
                    .to_owned(),
            ),
            (
                text(&of(", matchConditions: [{expression: ''}]")),
                "[authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match \
                 conditions \
                 are specified, authorizers[0].matchConditions[0].expression: Required value]"
                    .to_owned(),
            ),
            (
                text("- {type: Webhook, name: a, hook: {}}"),
                format!("{load_error}strict decoding error: unknown field \"authorizers[0].hook\""),
            ),
            (
                "apiVersion: apiserver.config.k8s.io/v9\nkind: AuthorizationConfiguration\n".to_owned(),
                format!(
                    "{load_error}no kind \"AuthorizationConfiguration\" is registered for version \
                     \"apiserver.config.k8s.io/v9\""
                ),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(load(&text).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn flags_and_files_exclude_each_other() {
        let cases = [
            (
                "--authorization-config=x --authorization-mode=AlwaysDeny",
                "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* \
                 flags \
                 are defined",
            ),
            (
                "--authorization-config=/nonexistent",
                "open /nonexistent: No such file or directory (os error 2)",
            ),
            ("--authorization-mode=ABAC", "authorization-mode ABAC's authorization policy file not passed"),
            (
                "--authorization-mode=Webhook",
                "authorization-mode Webhook's authorization config file not passed",
            ),
            (
                "--authorization-mode=AlwaysDeny --authorization-policy-file=x",
                "cannot specify --authorization-policy-file without mode ABAC",
            ),
            (
                "--authorization-webhook-config-file=x",
                "cannot specify --authorization-webhook-config-file without mode Webhook",
            ),
        ];
        for (line, expected) in cases {
            let arguments: Vec<String> = line.split(' ').map(String::from).collect();
            let flags = crate::flags::parse(&arguments).expect(line);
            assert_eq!(from_flags(&flags).err().as_deref(), Some(expected));
        }
    }
}
