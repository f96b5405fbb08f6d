//! Reads `--admission-control-config-file` and the files that it names.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/config.go ReadAdmissionConfiguration, plugins.go InitPlugin

use crate::configuration::{self, ClientCertificates};
use std::fs;
use std::path::Path;
use steersman_core::admission::{KUBECONFIG, PluginSource, asked_plugins, configure, server_value, sources};
use steersman_core::codec::yaml;
use steersman_core::config::AdmissionOptions;
use steersman_core::value::Value;

/// Plugins that once had the whole file for themselves, and the member by which such a file is known.
const LEGACY: [(&str, &str); 2] =
    [("ImagePolicyWebhook", "imagePolicy"), ("PodNodeSelector", "podNodeSelectorPluginConfig")];

/// Gives each plugin that is asked its configuration. Without a file none has one. A plugin may need one.
///
/// # Errors
/// The file, or one that it names, cannot be read or says something wrong.
pub(super) fn read(options: &mut AdmissionOptions, file: &str) -> Result<ClientCertificates, String> {
    let mut certificates = ClientCertificates::default();
    let sources = if file.is_empty() { Vec::new() } else { parts(file)? };
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    for plugin in asked_plugins(options) {
        let source = sources.iter().find(|source| source.name == plugin);
        let wrong = |why: String| format!("couldn't init admission plugin {plugin:?}: {why}");
        let configuration = match source {
            None => Value::Null,
            Some(source) if !source.configuration.is_null() => source.configuration.clone(),
            Some(source) if source.path.is_empty() => Value::Null,
            Some(source) => {
                let path = folder.join(source.path.as_str());
                let text = fs::read(&path);
                let text = text.map_err(|error| wrong(format!("{}: {error}", path.display())))?;
                parsed(&text).map_err(wrong)?
            }
        };
        let configuration = with_kubeconfig(plugin, configuration, &mut certificates).map_err(wrong)?;
        configure(options, plugin, &configuration).map_err(wrong)?;
    }
    Ok(certificates)
}

/// The configuration with what stands in the kubeconfig file that it names.
fn with_kubeconfig(
    plugin: &str,
    mut configuration: Value,
    certificates: &mut ClientCertificates,
) -> Result<Value, String> {
    match plugin {
        "MutatingAdmissionWebhook" | "ValidatingAdmissionWebhook" => {
            let file = configuration.text_at(&["kubeConfigFile"]).to_owned();
            // What is not allowed is told by whoever takes the configuration.
            if file.starts_with('/') {
                let (users, own) = configuration::webhook_users(Path::new(&file))?;
                configuration.set(KUBECONFIG, users);
                certificates.0.extend(own);
            }
        }
        "ImagePolicyWebhook" if !configuration.is_null() => {
            let file = configuration.text_at(&["imagePolicy", "kubeConfigFile"]).to_owned();
            let read = configuration::kubeconfig(Path::new(&file))?;
            configuration.set_at(&["imagePolicy", KUBECONFIG], server_value(&read.server));
            certificates.0.extend(read.certificate);
        }
        _ => {}
    }
    Ok(configuration)
}

fn parts(file: &str) -> Result<Vec<PluginSource>, String> {
    let unreadable =
        |why: String| format!("unable to read admission control configuration from {file:?} [{why}]");
    let text = fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let document = parsed(&text)?;
    let legacy = LEGACY.iter().any(|(_, member)| document.field(member).is_some());
    if legacy && document.text_at(&["kind"]).is_empty() {
        let whole = |(name, _): &(&str, &str)| PluginSource {
            name: (*name).into(),
            configuration: document.clone(),
            path: "".into(),
        };
        return Ok(LEGACY.iter().map(whole).collect());
    }
    sources(&document)
}

fn parsed(text: &[u8]) -> Result<Value, String> {
    yaml::parse(text).map(|parsed| parsed.value).map_err(|error| error.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A folder of its own for each test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("steersman-plugins-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn told(name: &str, enabled: &[&str], file: &str, other: &str) -> Result<AdmissionOptions, String> {
        let folder = folder(name);
        fs::write(folder.join("other.yaml"), other).expect("a file");
        let path = folder.join("admission.yaml");
        fs::write(&path, file).expect("a file");
        let enabled = enabled.iter().map(|name| (*name).into()).collect();
        let mut options = AdmissionOptions { enabled, ..AdmissionOptions::default() };
        let read = read(&mut options, &path.display().to_string());
        fs::remove_dir_all(&folder).expect("the folder");
        read.map(|_| options)
    }

    #[test]
    fn configurations_are_inline_or_in_files_beside() {
        let file = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n\
            - name: EventRateLimit\n  path: other.yaml\n\
            - name: ResourceQuota\n  configuration:\n    apiVersion: apiserver.config.k8s.io/v1\n    \
            kind: ResourceQuotaConfiguration\n    limitedResources:\n    - resource: pods\n      \
            matchContains: [cpu]\n\
            - name: PodSecurity\n  configuration:\n    apiVersion: pod-security.admission.config.k8s.io/v1\n    \
            kind: PodSecurityConfiguration\n    defaults: {enforce: baseline}\n    \
            exemptions: {namespaces: [a]}\n";
        let limits = "apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration\n\
            limits: [{type: Namespace, qps: 1, burst: 2}]\n";
        let options = told("inline", &["EventRateLimit"], file, limits).expect("configurations");
        assert_eq!(options.plugins.event_limits.len(), 1);
        assert_eq!(options.plugins.limited_resources[0].match_contains, ["cpu"]);
        assert_eq!(options.pod_security.defaults.enforce.to_string(), "baseline:latest");
        assert_eq!(options.pod_security.exempt_namespaces, ["a"]);
        assert_eq!(
            options.plugins.given.len(),
            2,
            "a recording holds all but PodSecurity's, which has a place"
        );
    }

    #[test]
    fn an_old_file_is_one_plugins() {
        let file = "podNodeSelectorPluginConfig: {clusterDefaultNodeSelector: a=b}\n";
        let options = told("legacy", &["PodNodeSelector"], file, "").expect("a configuration");
        assert_eq!(options.plugins.node_selectors["clusterDefaultNodeSelector"], "a=b");
    }

    #[test]
    fn what_is_wrong_is_told() {
        const HEAD: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n";
        let limits = |limits: &str| {
            format!(
                "{HEAD}plugins: [{{name: EventRateLimit, configuration: {{apiVersion: \
                 eventratelimit.admission.k8s.io/v1alpha1, kind: Configuration, limits: [{limits}]}}}}]"
            )
        };
        let cases = [
            (format!("{HEAD}plugin: []"), "strict decoding error: unknown field \"plugin\"".to_owned()),
            ("kind: A\napiVersion: b".into(), "no kind \"A\" is registered for version \"b\"".into()),
            (
                format!("{HEAD}plugins: []"),
                "couldn't init admission plugin \"EventRateLimit\": limits: Invalid value: null: must not be empty"
                    .into(),
            ),
            (
                limits("{type: Server, qps: 0, burst: 1}"),
                "couldn't init admission plugin \"EventRateLimit\": limits[0].qps: Invalid value: 0: must be positive"
                    .into(),
            ),
        ];
        for (index, (file, want)) in cases.iter().enumerate() {
            let told = told(&format!("wrong-{index}"), &["EventRateLimit"], file, "");
            assert_eq!(told.map(|_| ()), Err(want.clone()), "{file}");
        }
    }
}
