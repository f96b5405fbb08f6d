//! Files of one volume that would be written over each other.
//! k8s: pkg/api/pod/warnings.go warningsForOverlappingVirtualPaths

use super::{is_set, items};
use crate::limits;
use crate::value::Value;
use crate::value::quoted;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// A file, and what it comes from where a volume has several sources.
#[derive(PartialEq, Eq)]
struct File<'a> {
    path: &'a str,
    source: String,
}

impl<'a> File<'a> {
    fn new(path: &'a str, source: &str) -> Self {
        Self { path: path.trim_end_matches('/'), source: source.into() }
    }

    fn shown(&self) -> String {
        let path = quoted(self.path);
        if self.source.is_empty() { path } else { format!("{path} ({})", self.source) }
    }

    /// One is the other, or a directory on the way to it.
    fn is_in_the_way_of(&self, other: &Self) -> bool {
        let below = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !self.path.is_empty()
            && !other.path.is_empty()
            && (below(self.path, other.path) || below(other.path, self.path))
    }
}

/// The files of a volume so far.
struct Files<'a> {
    held: Vec<File<'a>>,
    comparisons_left: usize,
}

impl<'a> Files<'a> {
    fn new() -> Self {
        Self { held: Vec::new(), comparisons_left: limits::WARNING_COMPARISONS }
    }

    /// Adds files, and says with which of the others they collide.
    fn add(&mut self, files: Vec<File<'a>>, volume: &str, description: &str, out: &mut Vec<String>) {
        for file in files {
            let room = limits::WARNINGS.saturating_sub(out.len());
            let looked_at = self.comparisons_left.min(self.held.len());
            self.comparisons_left -= looked_at;
            let others = self.held[..looked_at].iter().filter(|other| file.is_in_the_way_of(other));
            for other in others.take(room) {
                let (file, other) = (file.shown(), other.shown());
                out.push(format!("volume {volume} ({description}): overlapping paths: {file} with {other}"));
            }
            self.held.push(file);
        }
    }
}

/// The files of a list of keys with paths.
fn mapped<'a>(source: &'a Value, what: &str) -> Vec<File<'a>> {
    items(source, &["items"]).iter().map(|item| File::new(item.text_at(&["path"]), what)).collect()
}

/// A kind of source, and what is said of one.
type Named = (&'static str, fn(&Value) -> String);

const SOURCES: [Named; 3] = [
    ("configMap", |source| format!("ConfigMap {}", quoted(source.text_at(&["name"])))),
    ("secret", |source| {
        // A volume names its secret otherwise than a projection does.
        let name = if is_set(source, &["secretName"]) { "secretName" } else { "name" };
        format!("Secret {}", quoted(source.text_at(&[name])))
    }),
    ("downwardAPI", |_| "DownwardAPI".into()),
];

/// The warnings about all volumes of a pod.
pub(super) fn overlaps(volumes: &[Value], out: &mut Vec<String>) {
    for volume in volumes {
        let name = quoted(volume.text_at(&["name"]));
        for (field, described) in SOURCES {
            if let Some(source) = volume.field(field) {
                Files::new().add(mapped(source, ""), &name, &described(source), out);
            }
        }
        if !is_set(volume, &["projected"]) {
            continue;
        }
        let mut files = Files::new();
        for source in items(volume, &["projected", "sources"]) {
            if source.as_map().is_none_or(|members| members.iter().all(|(_, member)| member.is_null())) {
                out.push(format!("volume {name} (Projected) has no sources provided"));
                continue;
            }
            files.add(projected(source), &name, "Projected", out);
        }
    }
}

/// The files of one source of a projected volume.
fn projected(source: &Value) -> Vec<File<'_>> {
    for (field, described) in SOURCES {
        if let Some(held) = source.field(field).filter(|held| is_set(held, &["items"])) {
            return mapped(held, &described(held));
        }
    }
    if let Some(token) = source.field("serviceAccountToken") {
        return vec![File::new(token.text_at(&["path"]), "ServiceAccountToken")];
    }
    if let Some(bundle) = source.field("clusterTrustBundle") {
        let name = if is_set(bundle, &["name"]) { "name" } else { "signerName" };
        let what = format!("ClusterTrustBundle {}", quoted(bundle.text_at(&[name])));
        return vec![File::new(bundle.text_at(&["path"]), &what)];
    }
    let Some(certificate) = source.field("podCertificate") else { return Vec::new() };
    let files = [
        ("certificateChainPath", "PodCertificate chain"),
        ("keyPath", "PodCertificate key"),
        ("credentialBundlePath", "PodCertificate credential bundle"),
    ];
    let files = files.into_iter().map(|(field, what)| File::new(certificate.text_at(&[field]), what));
    files.filter(|file| !file.path.is_empty()).collect()
}
