//! Files of one volume that would be written over each other.
//! k8s: pkg/api/pod/warnings.go warningsForOverlappingVirtualPaths

use crate::kinds::validation::Located;
use crate::limits;
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
fn mapped<'v>(source: &Located<'v, '_>, what: &str) -> Vec<File<'v>> {
    source.member("items").items().map(|item| File::new(item.member("path").text(), what)).collect()
}

/// A kind of source, and what is said of one.
type Named = (&'static str, fn(&Located<'_, '_>) -> String);

const SOURCES: [Named; 3] = [
    ("configMap", |source| format!("ConfigMap {}", quoted(source.member("name").text()))),
    ("secret", |source| {
        // A volume names its secret otherwise than a projection does.
        let name = source.member("secretName");
        let name = if name.is_set() { name } else { source.member("name") };
        format!("Secret {}", quoted(name.text()))
    }),
    ("downwardAPI", |_| "DownwardAPI".into()),
];

/// The warnings about all volumes of a pod.
pub(super) fn overlaps(volumes: &Located<'_, '_>, out: &mut Vec<String>) {
    for volume in volumes.items() {
        let name = quoted(volume.member("name").text());
        for (field, described) in SOURCES {
            let source = volume.member(field);
            if source.is_set() {
                Files::new().add(mapped(&source, ""), &name, &described(&source), out);
            }
        }
        let mut files = Files::new();
        for source in volume.at(&["projected", "sources"]).items() {
            if source.entries().all(|(_, member)| !member.is_set()) {
                out.push(format!("volume {name} (Projected) has no sources provided"));
                continue;
            }
            files.add(projected(&source), &name, "Projected", out);
        }
    }
}

/// The files of one source of a projected volume.
fn projected<'v>(source: &Located<'v, '_>) -> Vec<File<'v>> {
    for (field, described) in SOURCES {
        let held = source.member(field);
        if held.member("items").is_set() {
            return mapped(&held, &described(&held));
        }
    }
    let token = source.member("serviceAccountToken");
    if token.is_set() {
        return vec![File::new(token.member("path").text(), "ServiceAccountToken")];
    }
    let bundle = source.member("clusterTrustBundle");
    if bundle.is_set() {
        let name = bundle.member("name");
        let name = if name.is_set() { name } else { bundle.member("signerName") };
        let what = format!("ClusterTrustBundle {}", quoted(name.text()));
        return vec![File::new(bundle.member("path").text(), &what)];
    }
    let certificate = source.member("podCertificate");
    let files = [
        ("certificateChainPath", "PodCertificate chain"),
        ("keyPath", "PodCertificate key"),
        ("credentialBundlePath", "PodCertificate credential bundle"),
    ];
    let files = files.into_iter().map(|(field, what)| File::new(certificate.member(field).text(), what));
    files.filter(|file| !file.path.is_empty()).collect()
}
