//! The ConfigMap by which other API servers learn whose certificates and headers this one trusts. Servers add what they
//! trust to what others have written.
//! k8s: pkg/controlplane/controller/clusterauthenticationtrust/cluster_authentication_trust_controller.go

use super::plan::{Planner, texts};
use crate::codec::json;
use crate::config::TrustedClients;
use crate::job::OwnWriter;
use crate::value::{Map, Text, Value};
use alloc::string::String;
use alloc::vec::Vec;

const PLACE: (&str, &str) = ("kube-system", "extension-apiserver-authentication");
const CLIENT_CA: &str = "client-ca-file";
const PROXY_CA: &str = "requestheader-client-ca-file";

pub(super) fn plan(planner: &mut Planner<'_>) {
    let Some(kind) = planner.kind("", "v1", "configmaps") else { return };
    let entry = planner.held(kind, PLACE);
    let mut object = entry.map_or_else(Value::empty_map, |entry| entry.to_value());
    let held = object.field("data").and_then(Value::as_map).cloned().unwrap_or_default();
    // What somebody has written that cannot be read is not replaced: others may have added to it.
    let Some(data) = combined(&held, &planner.world.trusted) else { return };
    if data == held {
        return;
    }
    object.set("data", data.into());
    match entry {
        None => planner.create(kind, PLACE, OwnWriter::SERVER, object),
        Some(entry) => planner.update(kind, entry, object),
    }
}

/// What is to be written; None if what is held cannot be read.
fn combined(held: &Map, own: &TrustedClients) -> Option<Map> {
    let text = |key: &str| held.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut data = Map::new();
    let client_ca = certificates(&[text(CLIENT_CA), &own.client_ca]);
    if !client_ca.is_empty() {
        data.insert(CLIENT_CA, client_ca.into());
    }
    let lists = [
        ("requestheader-username-headers", &own.user_headers),
        ("requestheader-uid-headers", &own.uid_headers),
        ("requestheader-group-headers", &own.group_headers),
        ("requestheader-extra-headers-prefix", &own.extra_prefixes),
        ("requestheader-allowed-names", &own.allowed_names),
    ];
    let mut combined = Vec::new();
    for (key, own) in lists {
        combined.push((key, united(text(key), own)?));
    }
    let proxy_ca = certificates(&[text(PROXY_CA), &own.proxy_ca]);
    if !proxy_ca.is_empty() {
        data.insert(PROXY_CA, proxy_ca.into());
        for (key, words) in combined {
            if !words.is_empty() || key != "requestheader-uid-headers" {
                data.insert(key, json::to_string(&texts(words.iter().map(String::as_str))).into());
            }
        }
    }
    Some(data)
}

/// The words of a list that is written as JSON, and those of another one, each once.
fn united(held: &str, own: &[Text]) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut add = |word: &str| {
        if words.iter().all(|held| held != word) {
            words.push(word.into());
        }
    };
    if !held.is_empty() {
        let parsed = json::parse(held.as_bytes()).ok()?.value;
        if !parsed.is_null() {
            for word in parsed.as_list()? {
                add(word.as_str()?);
            }
        }
    }
    own.iter().for_each(|word| add(word));
    Some(words)
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const LINE_LEN: usize = 64;

/// All certificates of PEM files, each once, without what stands between them.
fn certificates(files: &[&str]) -> String {
    let mut bodies: Vec<String> = Vec::new();
    for part in files.iter().flat_map(|file| file.split(BEGIN).skip(1)) {
        let Some((body, _)) = part.split_once(END) else { continue };
        let body: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
        if !bodies.contains(&body) {
            bodies.push(body);
        }
    }
    let mut out = String::new();
    for body in bodies {
        out.push_str(BEGIN);
        for (place, letter) in body.chars().enumerate() {
            if place % LINE_LEN == 0 {
                out.push('\n');
            }
            out.push(letter);
        }
        out.push('\n');
        out.push_str(END);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;

    #[test]
    fn certificates_are_taken_once_and_written_in_lines() {
        let (long, short) = ("A".repeat(70), "Qg==");
        let pem = |body: &str| format!("# text\n{BEGIN}\n{body}\n{END}\n");
        let lines = format!("{BEGIN}\n{}\n{}\n{END}\n", "A".repeat(64), "A".repeat(6));
        let found = certificates(&[&pem(&long), &format!("{}{}", pem(short), lines), "", BEGIN]);
        assert_eq!(found, format!("{lines}{BEGIN}\n{short}\n{END}\n"));
    }

    #[test]
    fn servers_add_to_what_others_have_written() {
        let own = TrustedClients {
            proxy_ca: format!("{BEGIN}\nAA==\n{END}\n").into(),
            user_headers: vec!["X-Remote-User".into()],
            allowed_names: vec!["proxy".into()],
            ..TrustedClients::default()
        };
        let mut held = Map::new();
        held.insert("requestheader-allowed-names", r#"["other","proxy"]"#.into());
        held.insert("surplus", "x".into());
        let data = combined(&held, &own).expect("readable");
        let keys: Vec<_> =
            data.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
        let ca = format!("requestheader-client-ca-file={}", own.proxy_ca);
        let expected = [
            r#"requestheader-allowed-names=["other","proxy"]"#,
            &ca,
            "requestheader-extra-headers-prefix=[]",
            "requestheader-group-headers=[]",
            r#"requestheader-username-headers=["X-Remote-User"]"#,
        ];
        assert_eq!(keys, expected);
        assert_eq!(combined(&data, &own).as_ref(), Some(&data));
        held.insert("requestheader-allowed-names", "no list".into());
        assert!(combined(&held, &own).is_none());
        assert!(combined(&Map::new(), &TrustedClients::default()).is_some_and(|data| data.is_empty()));
    }
}
