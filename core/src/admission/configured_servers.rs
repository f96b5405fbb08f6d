//! The configurations of plugins that ask other servers. Kubeconfig files that they name are read by whoever reads
//! files, and stand in the configuration itself then.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/config/kubeconfig.go,
//! plugin/pkg/admission/imagepolicy/config.go

use crate::config::{ImagePolicy, WebhookServer, WebhookUser, WebhookUsers};
use crate::value::{Map, Text, Value, duration, quoted};
use crate::wire::Trust;
use alloc::format;
use alloc::string::String;
use bytes::Bytes;

/// The member that holds what a kubeconfig file says.
pub const KUBECONFIG: &str = "kubeConfig";

/// As whom webhooks are called.
///
/// # Errors
/// What is wrong with the configuration.
pub(super) fn webhook_users(configuration: &Value) -> Result<WebhookUsers, String> {
    let (version, kind) = (configuration.text_at(&["apiVersion"]), configuration.text_at(&["kind"]));
    const KINDS: [(&str, &str); 2] = [
        ("apiserver.config.k8s.io/v1", "WebhookAdmissionConfiguration"),
        ("apiserver.config.k8s.io/v1alpha1", "WebhookAdmission"),
    ];
    if !KINDS.contains(&(version, kind)) {
        return Err(format!("no kind {} is registered for version {}", quoted(kind), quoted(version)));
    }
    let file = configuration.text_at(&["kubeConfigFile"]);
    if !file.is_empty() && !file.starts_with('/') {
        return Err(format!(
            "kubeConfigFile: Invalid value: {}: must be an absolute file path",
            quoted(file)
        ));
    }
    let manifests = configuration.text_at(&["staticManifestsDir"]);
    if !manifests.is_empty() {
        return Err(format!(
            "static webhook manifests dir {} configured but ManifestBasedAdmissionControlConfig feature gate is not \
             enabled",
            quoted(manifests)
        ));
    }
    let users = configuration.at(&[KUBECONFIG, "users"]).and_then(Value::as_list).unwrap_or_default();
    let user = |user: &Value| WebhookUser {
        name: user.text_at(&["name"]).into(),
        authorization: user.text_at(&["authorization"]).into(),
        client_certificate: user.text_at(&["clientCertificate"]).into(),
    };
    Ok(WebhookUsers {
        users: users.iter().map(user).collect(),
        current: configuration.text_at(&[KUBECONFIG, "current"]).into(),
    })
}

/// The server that is asked about images.
///
/// # Errors
/// What is wrong with the configuration.
pub(super) fn image_policy(configuration: &Value) -> Result<ImagePolicy, String> {
    const MINUTE: i64 = 60_000;
    if configuration.is_null() {
        return Err(String::from("no config specified"));
    }
    let nothing = Value::Null;
    let policy = configuration.field("imagePolicy").unwrap_or(&nothing);
    let number = |field: &str| policy.field(field).and_then(Value::as_int).unwrap_or(0);
    checked(number("retryBackoff"), 1, 500, (1, "1ns"), (5 * MINUTE, "5m0s"))?;
    let kept = |field, default| checked(number(field), 1_000, default, (1_000, "1s"), (30 * MINUTE, "30m0s"));
    Ok(ImagePolicy {
        server: server(policy.field(KUBECONFIG).unwrap_or(&nothing)),
        allow_millis: kept("allowTTL", 5 * MINUTE)?,
        deny_millis: kept("denyTTL", MINUTE / 2)?,
        default_allow: policy.field("defaultAllow").and_then(Value::as_bool).unwrap_or(false),
    })
}

/// Milliseconds of a setting: -1 stands for none, 0 for what is usual.
fn checked(
    value: i64,
    scale_millis: i64,
    default: i64,
    (least, least_text): (i64, &str),
    (most, most_text): (i64, &str),
) -> Result<u64, String> {
    let millis = match value {
        -1 => 0,
        0 => default,
        value => {
            let millis = value.saturating_mul(scale_millis);
            if !(least..=most).contains(&millis) {
                let shown = duration::text(millis.unsigned_abs().saturating_mul(1_000_000));
                let sign = if millis < 0 { "-" } else { "" };
                return Err(format!(
                    "valid value is between {least_text} and {most_text}, got {sign}{shown}"
                ));
            }
            millis
        }
    };
    Ok(u64::try_from(millis).unwrap_or(0))
}

/// A server as an object, and back.
pub fn server_value(server: &WebhookServer) -> Value {
    let mut out = Map::new();
    let authorities = String::from_utf8_lossy(&server.trust.authorities);
    let texts: [(&'static str, &str); 7] = [
        ("host", &server.host),
        ("path", &server.path),
        ("origin", &server.origin),
        ("authorities", &authorities),
        ("serverName", &server.trust.server_name),
        ("clientCertificate", &server.trust.client_certificate),
        ("authorization", &server.authorization),
    ];
    for (name, text) in texts {
        out.insert(name, text.into());
    }
    out.insert("port", Value::Int(i64::from(server.port)));
    out.insert("anybody", Value::Bool(server.trust.anybody));
    out.insert("hostAuthorities", Value::Bool(server.trust.host));
    Value::map(out)
}

fn server(value: &Value) -> WebhookServer {
    let text = |name: &str| Text::from(value.text_at(&[name]));
    let is = |name: &str| value.field(name).and_then(Value::as_bool).unwrap_or(false);
    let port = value.field("port").and_then(Value::as_int).and_then(|port| u16::try_from(port).ok());
    WebhookServer {
        host: text("host"),
        port: port.unwrap_or(0),
        path: text("path"),
        origin: text("origin"),
        trust: Trust {
            anybody: is("anybody"),
            host: is("hostAuthorities"),
            authorities: Bytes::from(String::from(value.text_at(&["authorities"]))),
            server_name: text("serverName"),
            client_certificate: text("clientCertificate"),
        },
        authorization: text("authorization"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn a_server_survives_as_an_object() {
        let held = WebhookServer {
            host: "a".into(),
            port: 1,
            path: "/p".into(),
            origin: "https://a:1".into(),
            trust: Trust {
                anybody: true,
                host: true,
                authorities: Bytes::from_static(b"pem"),
                server_name: "b".into(),
                client_certificate: "c".into(),
            },
            authorization: "Bearer x".into(),
        };
        assert_eq!(server(&server_value(&held)), held);
    }

    #[test]
    fn times_of_the_image_policy_have_bounds() {
        let cases = [
            (r#"{"imagePolicy":{}}"#, Ok((300_000, 30_000))),
            (r#"{"imagePolicy":{"allowTTL":-1,"denyTTL":7}}"#, Ok((0, 7_000))),
            (r#"{"imagePolicy":{"allowTTL":1801}}"#, Err("valid value is between 1s and 30m0s, got 30m1s")),
            (
                r#"{"imagePolicy":{"retryBackoff":300001}}"#,
                Err("valid value is between 1ns and 5m0s, got 5m0.001s"),
            ),
            ("null", Err("no config specified")),
        ];
        for (text, expected) in cases {
            let found = image_policy(&value(text)).map(|policy| (policy.allow_millis, policy.deny_millis));
            assert_eq!(found, expected.map_err(String::from), "{text}");
        }
    }

    #[test]
    fn users_of_webhooks_are_read() {
        let configuration = |more: &str| {
            let head = r#""apiVersion":"apiserver.config.k8s.io/v1","kind":"WebhookAdmissionConfiguration""#;
            value(&format!("{{{head}{more}}}"))
        };
        let given = r#","kubeConfigFile":"/f","kubeConfig":{"current":"c","users":[{"name":"*","authorization":"Bearer x"}]}"#;
        let users = webhook_users(&configuration(given)).expect("users");
        assert_eq!((users.current.as_str(), users.users[0].authorization.as_str()), ("c", "Bearer x"));
        let cases = [
            (
                configuration(r#","kubeConfigFile":"f""#),
                "kubeConfigFile: Invalid value: \"f\": must be an absolute file path",
            ),
            (value(r#"{"kind":"A","apiVersion":"b"}"#), "no kind \"A\" is registered for version \"b\""),
        ];
        for (given, why) in cases {
            assert_eq!(webhook_users(&given), Err(String::from(why)));
        }
    }
}
