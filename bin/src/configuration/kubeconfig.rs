//! Kubeconfig files, which name the servers that this one asks, and how it shows who it is.
//! k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/webhook.go LoadKubeconfig,
//! staging/src/k8s.io/client-go/tools/clientcmd/client_config.go, validation.go

use std::path::{Path, PathBuf};

use steersman_core::codec::{base64, yaml};
use steersman_core::config::WebhookServer;
use steersman_core::value::{Text, Value};
use steersman_core::wire::{Trust, WebAddress};
use steersman_io::certificates::{self, Issued};

/// What a kubeconfig says of its current context.
pub(crate) struct Kubeconfig {
    pub(crate) server: WebhookServer,
    /// The client certificate, and the name by which the server's calls refer to it.
    pub(crate) certificate: Option<(Text, Issued)>,
}

/// Settings of clusters and users that are not served: a start without them would do something else than was asked.
const UNSERVED_OF_CLUSTER: [&str; 1] = ["proxy-url"];
const UNSERVED_OF_USER: [&str; 7] =
    ["exec", "auth-provider", "tokenFile", "as", "as-uid", "as-groups", "as-user-extra"];

pub(crate) fn load(path: &Path) -> Result<Kubeconfig, String> {
    let named = |error: String| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    let parsed = yaml::parse(text.as_bytes()).map_err(|error| named(error.0))?;
    let invalid = |error: String| named(format!("invalid configuration: {error}"));
    let context = context(&parsed.value).map_err(invalid)?;
    let cluster = named_in(&parsed.value, "clusters", "cluster", context.text_at(&["cluster"]));
    let user = named_in(&parsed.value, "users", "user", context.text_at(&["user"]));
    let nothing = Value::empty_map();
    let (cluster, user) = (cluster.unwrap_or(&nothing), user.unwrap_or(&nothing));
    check(cluster, user).map_err(invalid)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let certificate = client_certificate(user, folder, path).map_err(invalid)?;
    let server = server(cluster, user, folder, certificate.as_ref().map(|(name, _)| name.clone()));
    Ok(Kubeconfig { server: server.map_err(invalid)?, certificate })
}

/// The users of a file for webhooks, whose names are hosts, as an object; and their client certificates.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/authentication.go NewDefaultAuthenticationInfoResolver
pub(crate) fn users(path: &Path) -> Result<(Value, Vec<(Text, Issued)>), String> {
    let named = |error: String| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    let parsed = yaml::parse(text.as_bytes()).map_err(|error| named(error.0))?.value;
    let folder = path.parent().unwrap_or(Path::new(""));
    let nothing = Value::empty_map();
    let (mut users, mut certificates) = (Vec::new(), Vec::new());
    for (at, item) in items(&parsed, "users").iter().enumerate() {
        let user = item.field("user").unwrap_or(&nothing);
        check(&nothing, user).map_err(named)?;
        let certificate = client_certificate(user, folder, &path.join(at.to_string())).map_err(named)?;
        let mut shown = Value::empty_map();
        shown.set("name", item.text_at(&["name"]).into());
        shown.set("authorization", authorization(user).as_str().into());
        if let Some((name, _)) = &certificate {
            shown.set("clientCertificate", name.as_str().into());
        }
        users.push(shown);
        certificates.extend(certificate);
    }
    let current = named_in(&parsed, "contexts", "context", parsed.text_at(&["current-context"]));
    let mut out = Value::empty_map();
    out.set("users", Value::list(users));
    out.set("current", current.map_or("", |context| context.text_at(&["user"])).into());
    Ok((out, certificates))
}

/// The value of the header `Authorization` of a user; empty for none.
fn authorization(user: &Value) -> String {
    let [token, name, password] = ["token", "username", "password"].map(|field| user.text_at(&[field]));
    match (token, name, password) {
        ("", "", "") => String::new(),
        ("", name, password) => format!("Basic {}", base64::encode(format!("{name}:{password}").as_bytes())),
        (token, _, _) => format!("Bearer {token}"),
    }
}

/// The current context, whose cluster and user are there.
fn context(config: &Value) -> Result<&Value, String> {
    let name = config.text_at(&["current-context"]);
    if name.is_empty() {
        return Err("no context chosen".into());
    }
    let found = named_in(config, "contexts", "context", name);
    let context = found.ok_or_else(|| format!("context was not found for specified context: {name}"))?;
    for (what, list) in [("user", "users"), ("cluster", "clusters")] {
        let referred = context.text_at(&[what]);
        if referred.is_empty() {
            return Err(format!("{what} was not specified for context {name:?}"));
        }
        if !items(config, list).iter().any(|item| item.text_at(&["name"]) == referred) {
            return Err(format!("{what} {referred:?} was not found for context {name:?}"));
        }
    }
    Ok(context)
}

fn items<'v>(config: &'v Value, list: &str) -> &'v [Value] {
    config.field(list).and_then(Value::as_list).unwrap_or_default()
}

fn named_in<'v>(config: &'v Value, list: &str, what: &str, name: &str) -> Option<&'v Value> {
    items(config, list).iter().find(|item| item.text_at(&["name"]) == name)?.field(what)
}

fn check(cluster: &Value, user: &Value) -> Result<(), String> {
    for (of, names) in [(cluster, &UNSERVED_OF_CLUSTER[..]), (user, &UNSERVED_OF_USER[..])] {
        let is_set = |name: &&&str| of.field(name).is_some_and(|value| !value.is_null());
        if let Some(name) = names.iter().find(is_set) {
            return Err(format!("{name} is not supported by this server yet"));
        }
    }
    let has = |name: &str| !user.text_at(&[name]).is_empty();
    if has("token") && (has("username") || has("password")) {
        return Err(
            "more than one authentication method found; found [token basicAuth], only one is allowed".into(),
        );
    }
    Ok(())
}

fn server(
    cluster: &Value,
    user: &Value,
    folder: &Path,
    client_certificate: Option<Text>,
) -> Result<WebhookServer, String> {
    let url = cluster.text_at(&["server"]);
    if url.is_empty() {
        return Err("no server found for the cluster".into());
    }
    let address = WebAddress::parse(url).map_err(|error| format!("server {error}"))?;
    let anybody = cluster.field("insecure-skip-tls-verify").and_then(Value::as_bool).unwrap_or(false);
    let given = pem(cluster, "certificate-authority", folder)?;
    if anybody && given.is_some() {
        return Err("specifying a root certificates file with the insecure flag is not allowed".into());
    }
    let authorities = match given {
        _ if anybody => String::new(),
        Some(pem) => pem,
        None => certificates::host_authorities()?,
    };
    let server_name = match cluster.text_at(&["tls-server-name"]) {
        "" => &address.host,
        name => name,
    };
    Ok(WebhookServer {
        host: address.host.as_str().into(),
        port: address.port,
        path: address.clean_path().into(),
        origin: url_origin(url).into(),
        trust: Trust {
            anybody,
            host: false,
            authorities: authorities.into(),
            server_name: server_name.into(),
            client_certificate: client_certificate.unwrap_or_default(),
        },
        authorization: authorization(user).into(),
    })
}

/// `https://host:port`, as it is written.
fn url_origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    &url[..end]
}

fn client_certificate(user: &Value, folder: &Path, path: &Path) -> Result<Option<(Text, Issued)>, String> {
    let chain = pem(user, "client-certificate", folder)?;
    let key = pem(user, "client-key", folder)?;
    match (chain, key) {
        (None, _) => Ok(None),
        (Some(_), None) => Err("client-key-data or client-key must be specified to use the clientCert \
                                authentication method."
            .into()),
        (Some(chain), Some(key)) => {
            let issued = certificates::of_pem(chain, key)?;
            Ok(Some((path.to_string_lossy().into_owned().into(), issued)))
        }
    }
}

/// The PEM text of a setting: its data, or else the file that it names.
fn pem(of: &Value, setting: &str, folder: &Path) -> Result<Option<String>, String> {
    let data = of.text_at(&[&format!("{setting}-data")]);
    if !data.is_empty() {
        let bytes = base64::decode(data)
            .map_err(|at| format!("{setting}-data: illegal base64 data at input byte {at}"))?;
        return String::from_utf8(bytes).map(Some).map_err(|_| format!("{setting}-data is no PEM"));
    }
    match of.text_at(&[setting]) {
        "" => Ok(None),
        name => {
            let path: PathBuf = folder.join(name);
            let read = std::fs::read_to_string(&path);
            read.map(Some).map_err(|error| format!("unable to read {setting} {}: {error}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_io::certificates::Authority;

    fn written(cluster: &str, user: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  \
             context: {{cluster: a, user: b}}\n\
             clusters:\n- name: a\n  cluster: {cluster}\nusers:\n- name: b\n  user: {user}\n"
        );
        std::fs::write(file.path(), text).expect("a file that can be written");
        file
    }

    #[test]
    fn a_context_is_read() {
        let authority = Authority::create("ca").expect("an authority");
        let issued = authority.issue_client("webhook", "").expect("a certificate");
        let [ca, chain, key] = [authority.certificate_pem(), &issued.chain_pem, &issued.key_pem]
            .map(|pem| base64::encode(pem.as_bytes()));
        let file = written(
            &format!("{{server: 'https://hook.test:8443/a/b/?x=1', certificate-authority-data: {ca}}}"),
            &format!("{{client-certificate-data: {chain}, client-key-data: {key}}}"),
        );
        let read = load(file.path()).expect("a kubeconfig");
        let server = &read.server;
        assert_eq!((server.host.as_str(), server.port, server.path.as_str()), ("hook.test", 8443, "/a/b"));
        assert_eq!(server.origin, "https://hook.test:8443");
        assert_eq!((server.trust.server_name.as_str(), server.trust.anybody), ("hook.test", false));
        assert_eq!(server.trust.authorities, authority.certificate_pem().as_bytes());
        let (name, _) = read.certificate.expect("a certificate");
        assert_eq!(server.trust.client_certificate, name);
    }

    #[test]
    fn credentials_become_a_header() {
        let cases =
            [("{token: abc}", "Bearer abc"), ("{username: a, password: b}", "Basic YTpi"), ("{}", "")];
        for (user, expected) in cases {
            let file = written("{server: 'https://a', insecure-skip-tls-verify: true}", user);
            assert_eq!(load(file.path()).expect(user).server.authorization, expected);
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let cases = [
            ("{}", "{}", "no server found for the cluster"),
            ("{server: 'http://a'}", "{}", "only https is supported"),
            ("{server: 'https://a', proxy-url: x}", "{}", "proxy-url is not supported"),
            ("{server: 'https://a'}", "{exec: {command: x}}", "exec is not supported"),
            ("{server: 'https://a'}", "{token: x, username: z}", "more than one authentication method"),
            (
                "{server: 'https://a', certificate-authority: /nonexistent}",
                "{}",
                "unable to read certificate-authority",
            ),
            ("{server: 'https://a', certificate-authority-data: '?'}", "{}", "illegal base64 data"),
        ];
        for (cluster, user, expected) in cases {
            let error = load(written(cluster, user).path()).err().unwrap_or_default();
            assert!(error.contains("invalid configuration: ") && error.contains(expected), "{error}");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "current-context: x\n").expect("a file");
        let error = load(file.path()).err().unwrap_or_default();
        assert!(error.ends_with("context was not found for specified context: x"), "{error}");
    }
}
