//! What each node may see: the objects that the pods on it refer to, directly or through their claims.
//! k8s: plugin/pkg/auth/authorizer/node/graph.go, graph_populator.go

#[cfg(test)]
mod properties;

use super::Changed;
use crate::kinds::{Kind, references};
use crate::museum::{Flaw, Mutant};
use crate::value::{Value, object};
use crate::world::cache::Entry;
use crate::world::cache::tree::Tree;
use alloc::vec::Vec;
use bytes::Bytes;

/// The annotation of a pod that shows what a kubelet runs on its own.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// A kind of object that the graph relates to nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Related {
    ConfigMap,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    ResourceClaim,
    ResourceSlice,
    Secret,
    ServiceAccount,
    VolumeAttachment,
}

impl Related {
    /// The first byte of the keys of its relations.
    const fn letter(self) -> u8 {
        match self {
            Self::ConfigMap => b'm',
            Self::PersistentVolume => b'v',
            Self::PersistentVolumeClaim => b'c',
            Self::Pod => b'p',
            Self::ResourceClaim => b'r',
            Self::ResourceSlice => b'd',
            Self::Secret => b's',
            Self::ServiceAccount => b'a',
            Self::VolumeAttachment => b't',
        }
    }
}

/// The first bytes of the keys that relate a volume, or a secret of one, with the volume's claim.
const CLAIM_OF_VOLUME: u8 = b'V';
const CLAIM_OF_SECRET: u8 = b'S';

/// The relations of all objects with nodes. A key is a letter and names, each name but the last with a zero byte after
/// it; its value is how many references there are. Objects of many pods have one key for each of their nodes, so that
/// a decision takes one look, except for volumes and their secrets, which take one for each claim of theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeGraph {
    relations: Tree<u32>,
}

/// A kind whose objects the graph is made of.
#[derive(Clone, Copy)]
enum Source {
    Pods,
    Volumes,
    Attachments,
    Slices,
}

impl Source {
    fn of(kind: &Kind) -> Option<Self> {
        match (kind.group.as_str(), kind.plural.as_str()) {
            ("", "pods") => Some(Self::Pods),
            ("", "persistentvolumes") => Some(Self::Volumes),
            ("storage.k8s.io", "volumeattachments") => Some(Self::Attachments),
            ("resource.k8s.io", "resourceslices") => Some(Self::Slices),
            _ => None,
        }
    }
}

impl NodeGraph {
    pub(super) fn changed(&mut self, change: Changed<'_>, flaw: Flaw) {
        let Some(source) = Source::of(change.kind) else { return };
        if let (Source::Pods, Some(old), Some(new)) = (source, change.old, change.new)
            && refers_to_the_same(old, new)
        {
            return;
        }
        let mut relations = Relations::default();
        let [old, new] = [change.old, change.new].map(|entry| {
            if let Some(entry) = entry {
                relations.add(source, &entry.to_value());
            }
            core::mem::take(&mut relations.keys)
        });
        if old == new || (new.is_empty() && flaw.is(Mutant::GraphKeepsDeletedPods)) {
            return;
        }
        new.into_iter().for_each(|key| self.add(key));
        old.into_iter().for_each(|key| self.remove(&key));
    }

    fn add(&mut self, key: Bytes) {
        match self.relations.get_mut(&key) {
            Some(count) => *count += 1,
            None => {
                self.relations.insert(key, 1);
            }
        }
    }

    fn remove(&mut self, key: &[u8]) {
        match self.relations.get_mut(key) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                self.relations.remove(key);
            }
        }
    }

    /// Whether an object belongs to a node, or is needed by something on it. The namespace of a cluster resource is
    /// empty.
    /// k8s: plugin/pkg/auth/authorizer/node/node_authorizer.go hasPathFrom
    pub fn relates(&self, node: &str, related: Related, namespace: &str, name: &str) -> bool {
        if [node, namespace, name].iter().any(|name| name.contains('\0')) {
            return false;
        }
        let has = |letter: Related, namespace: &str, name: &str| {
            self.relations.contains_key(&key(letter.letter(), &[namespace, name, node]))
        };
        let by_claim = |prefix: Bytes| {
            self.relations.prefix(&prefix).any(|(key, _)| {
                let claim = key.get(prefix.len()..).and_then(|claim| core::str::from_utf8(claim).ok());
                let claim = claim.and_then(|claim| claim.split_once('\0'));
                claim.is_some_and(|(namespace, name)| has(Related::PersistentVolumeClaim, namespace, name))
            })
        };
        match related {
            Related::PersistentVolume => by_claim(key(CLAIM_OF_VOLUME, &[name, ""])),
            Related::Secret => {
                has(related, namespace, name) || by_claim(key(CLAIM_OF_SECRET, &[namespace, name, ""]))
            }
            Related::ConfigMap
            | Related::PersistentVolumeClaim
            | Related::Pod
            | Related::ResourceClaim
            | Related::ResourceSlice
            | Related::ServiceAccount
            | Related::VolumeAttachment => has(related, namespace, name),
        }
    }

    /// How many relations there are.
    pub fn len(&self) -> usize {
        self.relations.len()
    }

    /// Whether no object is related to any node.
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }
}

fn key(letter: u8, names: &[&str]) -> Bytes {
    let mut key = Vec::with_capacity(names.iter().map(|name| name.len() + 1).sum());
    key.push(letter);
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            key.push(0);
        }
        key.extend_from_slice(name.as_bytes());
    }
    key.into()
}

/// The keys of one object's relations.
#[derive(Default)]
struct Relations {
    keys: Vec<Bytes>,
}

impl Relations {
    fn add(&mut self, source: Source, value: &Value) {
        let name = object::name(value);
        match source {
            Source::Pods => self.add_pod(value),
            Source::Volumes => self.add_volume(value),
            Source::Attachments => {
                self.relate(Related::VolumeAttachment, "", name, value.text_at(&["spec", "nodeName"]));
            }
            Source::Slices => {
                self.relate(Related::ResourceSlice, "", name, value.text_at(&["spec", "nodeName"]));
            }
        }
    }

    /// A pod is related from when it is bound. A mirror pod refers to nothing, since a node makes it for itself.
    fn add_pod(&mut self, pod: &Value) {
        let node = pod.text_at(&["spec", "nodeName"]);
        let namespace = object::namespace(pod);
        self.relate(Related::Pod, namespace, object::name(pod), node);
        if object::annotation(pod, MIRROR).is_some() {
            return;
        }
        let account = pod.text_at(&["spec", "serviceAccountName"]);
        if !account.is_empty() {
            self.relate(Related::ServiceAccount, namespace, account, node);
        }
        references::secrets(pod).for_each(|name| self.relate(Related::Secret, namespace, name, node));
        references::config_maps(pod).for_each(|name| self.relate(Related::ConfigMap, namespace, name, node));
        for volume in references::volumes(pod) {
            if let Some(claim) = references::volume_claim(pod, volume) {
                self.relate(Related::PersistentVolumeClaim, namespace, &claim, node);
            }
        }
        for name in references::resource_claims(pod) {
            self.relate(Related::ResourceClaim, namespace, name, node);
        }
    }

    fn add_volume(&mut self, volume: &Value) {
        let Some(claim) = volume.at(&["spec", "claimRef"]).filter(|claim| !claim.is_null()) else { return };
        let (namespace, name) = (claim.text_at(&["namespace"]), claim.text_at(&["name"]));
        self.push(CLAIM_OF_VOLUME, &[object::name(volume), namespace, name]);
        for (of, secret) in references::secrets_of_volume(volume) {
            self.push(CLAIM_OF_SECRET, &[of, secret, namespace, name]);
        }
    }

    fn relate(&mut self, related: Related, namespace: &str, name: &str, node: &str) {
        if !node.is_empty() {
            self.push(related.letter(), &[namespace, name, node]);
        }
    }

    /// Names with a zero byte belong to no object.
    fn push(&mut self, letter: u8, names: &[&str]) {
        if !names.iter().any(|name| name.contains('\0')) {
            self.keys.push(key(letter, names));
        }
    }
}

/// Whether two versions of a pod certainly refer to the same objects from the same node, as after a change of the
/// status. It looks at the stored bytes, since this is asked for every change of every pod: what a pod refers to is in
/// its spec, in one annotation, and in two fields of its status that few pods have.
fn refers_to_the_same(old: &Entry, new: &Entry) -> bool {
    let [old_rest, new_rest] = [old, new].map(Entry::after_metadata);
    let same = old_rest.iter().zip(new_rest).take_while(|(old, new)| old == new).count();
    let Some(shared) = old_rest.get(..same).filter(|shared| shared.starts_with(b",\"spec\":{")) else {
        return false;
    };
    // Quotes within texts are escaped, and no member of a spec has this name.
    let Some(spec_end) = find_last(shared, b",\"status\":{") else { return false };
    let says_more = |entry: &Entry, rest: &[u8]| {
        find_last(rest.get(spec_end..).unwrap_or_default(), b"laimStatus").is_some()
            || find_last(entry.metadata(), b"\"kubernetes.io/config.mirror\":").is_some()
    };
    !says_more(old, old_rest) && !says_more(new, new_rest)
}

fn find_last(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = part.first();
    text.windows(part.len()).rposition(|window| window.first() == first && window == part)
}
