//! The graph of nodes over random changes: it is always the one that is made anew, and says what a plain search says.

use super::*;
use crate::config::{Authorizer, Config};
use crate::kinds::Registry;
use crate::store::{Batch, Event, EventType, Feed, KeyValue, Rev};
use crate::world::World;
use crate::world::indexes::Indexes;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use proptest::prelude::*;

/// Names are small numbers, so that objects meet.
type Name = u8;

#[derive(Clone, Debug)]
struct ModelPod {
    /// 0 before it is bound.
    node: Name,
    mirror: bool,
    account: Name,
    secrets: Vec<Name>,
    maps: Vec<Name>,
    claim: Option<Name>,
    /// The claim of devices that its status names, which comes after it is bound.
    devices: Option<Name>,
    /// Says nothing to the graph.
    ready: bool,
}

#[derive(Clone, Debug)]
struct ModelVolume {
    claim: Option<(Name, Name)>,
    secret: Option<Name>,
}

/// All objects, by namespace and name or by name.
#[derive(Clone, Debug, Default)]
struct Model {
    pods: BTreeMap<(Name, Name), ModelPod>,
    volumes: BTreeMap<Name, ModelVolume>,
    attachments: BTreeMap<Name, Name>,
    slices: BTreeMap<Name, Name>,
}

#[derive(Clone, Debug)]
enum Change {
    Pod((Name, Name), Option<ModelPod>),
    /// A status that is written alone.
    Status((Name, Name)),
    Volume(Name, Option<ModelVolume>),
    Attachment(Name, Option<Name>),
    Slice(Name, Option<Name>),
}

fn pods() -> impl Strategy<Value = ModelPod> {
    let names = || proptest::collection::vec(0..3_u8, 0..3);
    let claims = || proptest::option::of(0..3_u8);
    (0..3_u8, proptest::bool::weighted(0.2), 0..2_u8, names(), names(), claims(), claims()).prop_map(
        |(node, mirror, account, secrets, maps, claim, devices)| ModelPod {
            node,
            mirror,
            account,
            secrets,
            maps,
            claim,
            devices,
            ready: false,
        },
    )
}

fn changes() -> impl Strategy<Value = Change> {
    let place = || (0..2_u8, 0..4_u8);
    let volumes = (proptest::option::of((0..2_u8, 0..3_u8)), proptest::option::of(0..3_u8))
        .prop_map(|(claim, secret)| ModelVolume { claim, secret });
    let kept = |probability| proptest::option::weighted(probability, 0..3_u8);
    prop_oneof![
        (place(), proptest::option::weighted(0.7, pods())).prop_map(|(at, pod)| Change::Pod(at, pod)),
        place().prop_map(Change::Status),
        (0..3_u8, proptest::option::weighted(0.7, volumes)).prop_map(|(at, held)| Change::Volume(at, held)),
        (0..3_u8, kept(0.7)).prop_map(|(at, node)| Change::Attachment(at, node)),
        (0..3_u8, kept(0.7)).prop_map(|(at, node)| Change::Slice(at, node)),
    ]
}

impl ModelPod {
    fn text(&self, (namespace, name): (Name, Name)) -> String {
        let mirror = if self.mirror { r#","annotations":{"kubernetes.io/config.mirror":"x"}"# } else { "" };
        let node = if self.node == 0 { String::new() } else { format!(r#","nodeName":"n{}""#, self.node) };
        let mut volumes: Vec<String> = Vec::new();
        volumes
            .extend(self.maps.iter().map(|map| format!(r#"{{"name":"m","configMap":{{"name":"m{map}"}}}}"#)));
        volumes
            .extend(self.claim.map(|claim| {
                format!(r#"{{"name":"c","persistentVolumeClaim":{{"claimName":"c{claim}"}}}}"#)
            }));
        let pulls: Vec<String> = self.secrets.iter().map(|name| format!(r#"{{"name":"s{name}"}}"#)).collect();
        let devices = self.devices.map_or_else(String::new, |name| {
            format!(r#","resourceClaimStatuses":[{{"name":"d","resourceClaimName":"d{name}"}}]"#)
        });
        format!(
            r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"p{name}","namespace":"ns{namespace}"{mirror}}},
              "spec":{{"serviceAccountName":"a{}"{node},"volumes":[{}],"imagePullSecrets":[{}],
              "resourceClaims":[{{"name":"d","resourceClaimTemplateName":"t"}}]}},
              "status":{{"phase":"{}"{devices}}}}}"#,
            self.account,
            volumes.join(","),
            pulls.join(","),
            if self.ready { "Running" } else { "Pending" },
        )
    }
}

impl ModelVolume {
    fn text(&self, name: Name) -> String {
        let claim = self.claim.map_or_else(String::new, |(namespace, claim)| {
            format!(r#","claimRef":{{"namespace":"ns{namespace}","name":"c{claim}"}}"#)
        });
        let secret = self.secret.map_or_else(String::new, |secret| {
            format!(r#","nodePublishSecretRef":{{"namespace":"ns0","name":"s{secret}"}}"#)
        });
        format!(
            r#"{{"kind":"PersistentVolume","apiVersion":"v1","metadata":{{"name":"v{name}"}},
              "spec":{{"csi":{{"driver":"x","volumeHandle":"y"{secret}}}{claim}}}}}"#
        )
    }
}

impl Model {
    /// Makes a change, and returns its key and the value that is stored; None for a deletion.
    fn change(&mut self, change: &Change) -> Option<(String, Option<String>)> {
        let node = |group: &str, kind: &str, name: String, node: &Name| {
            format!(
                r#"{{"kind":"{kind}","apiVersion":"{group}/v1","metadata":{{"name":"{name}"}},
                  "spec":{{"nodeName":"n{node}"}}}}"#
            )
        };
        match change {
            Change::Pod(at, pod) => {
                let value = pod.as_ref().map(|pod| pod.text(*at));
                match pod {
                    Some(pod) => self.pods.insert(*at, pod.clone()),
                    None => self.pods.remove(at),
                };
                Some((format!("pods/ns{}/p{}", at.0, at.1), value))
            }
            Change::Status(at) => {
                let pod = self.pods.get_mut(at)?;
                pod.ready = !pod.ready;
                Some((format!("pods/ns{}/p{}", at.0, at.1), Some(pod.text(*at))))
            }
            Change::Volume(name, volume) => {
                match volume {
                    Some(volume) => self.volumes.insert(*name, volume.clone()),
                    None => self.volumes.remove(name),
                };
                Some((format!("persistentvolumes/v{name}"), volume.as_ref().map(|volume| volume.text(*name))))
            }
            Change::Attachment(name, to) => {
                match to {
                    Some(to) => self.attachments.insert(*name, *to),
                    None => self.attachments.remove(name),
                };
                let value =
                    to.as_ref().map(|to| node("storage.k8s.io", "VolumeAttachment", format!("t{name}"), to));
                Some((format!("volumeattachments/t{name}"), value))
            }
            Change::Slice(name, to) => {
                match to {
                    Some(to) => self.slices.insert(*name, *to),
                    None => self.slices.remove(name),
                };
                let value =
                    to.as_ref().map(|to| node("resource.k8s.io", "ResourceSlice", format!("r{name}"), to));
                Some((format!("resourceslices/r{name}"), value))
            }
        }
    }

    /// Whether any pod on a node that may refer to something does.
    fn any(&self, node: Name, namespace: Name, refers: impl Fn(&ModelPod) -> bool) -> bool {
        let of = |((held, _), pod): (&(Name, Name), &ModelPod)| {
            node != 0 && *held == namespace && pod.node == node && !pod.mirror && refers(pod)
        };
        self.pods.iter().any(of)
    }

    fn has_claim(&self, node: Name, (namespace, claim): (Name, Name)) -> bool {
        self.any(node, namespace, |pod| pod.claim == Some(claim))
    }

    /// What a plain search finds.
    fn relates(&self, node: Name, related: Related, namespace: Name, name: Name) -> bool {
        let mut volumes = self.volumes.iter();
        match related {
            Related::ConfigMap => self.any(node, namespace, |pod| pod.maps.contains(&name)),
            Related::PersistentVolumeClaim => self.has_claim(node, (namespace, name)),
            Related::Pod => {
                node != 0 && self.pods.get(&(namespace, name)).is_some_and(|pod| pod.node == node)
            }
            Related::ResourceClaim => self.any(node, namespace, |pod| pod.devices == Some(name)),
            Related::ServiceAccount => self.any(node, namespace, |pod| pod.account == name),
            Related::PersistentVolume => volumes
                .any(|(at, volume)| *at == name && volume.claim.is_some_and(|of| self.has_claim(node, of))),
            Related::Secret => {
                self.any(node, namespace, |pod| pod.secrets.contains(&name))
                    || volumes.any(|(_, volume)| {
                        let claims = volume.claim.is_some_and(|of| self.has_claim(node, of));
                        namespace == 0 && volume.secret == Some(name) && claims
                    })
            }
            Related::VolumeAttachment => self.attachments.get(&name) == Some(&node),
            Related::ResourceSlice => self.slices.get(&name) == Some(&node),
        }
    }
}

const ALL: [(Related, &str); 9] = [
    (Related::ConfigMap, "m"),
    (Related::PersistentVolume, "v"),
    (Related::PersistentVolumeClaim, "c"),
    (Related::Pod, "p"),
    (Related::ResourceClaim, "d"),
    (Related::ResourceSlice, "r"),
    (Related::Secret, "s"),
    (Related::ServiceAccount, "a"),
    (Related::VolumeAttachment, "t"),
];

fn is_of_cluster(related: Related) -> bool {
    matches!(related, Related::PersistentVolume | Related::ResourceSlice | Related::VolumeAttachment)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_the_graph_of_the_objects(changes in proptest::collection::vec(changes(), 1..40)) {
        let config = Config { authorization: alloc::vec![Authorizer::Node], ..Config::open(0) };
        let mut world = World::new(Arc::new(config), Arc::new(Registry::builtin()));
        let mut model = Model::default();
        for (index, change) in changes.iter().enumerate() {
            let Some((key, value)) = model.change(change) else { continue };
            let revision = Rev(index as u64 + 2);
            let kind = if value.is_some() { EventType::Put } else { EventType::Delete };
            let kv = KeyValue {
                key: format!("/registry/{key}").into(),
                value: value.unwrap_or_default().into(),
                mod_revision: revision,
                ..KeyValue::default()
            };
            let batch = Batch { feed: Feed(0), events: alloc::vec![Event { kind, kv, previous: None }], revision };
            world.apply(batch.into(), &mut Vec::new());
            prop_assert_eq!(world.indexes(), &Indexes::rebuild(&world), "after {:?}", change);
        }
        let graph = world.indexes().node_graph().expect("the graph is kept");
        for (related, letter) in ALL {
            for (node, namespace, name) in (0..3).flat_map(|node| {
                (0..2).flat_map(move |namespace| (0..4).map(move |name| (node, namespace, name)))
            }) {
                let place = if is_of_cluster(related) { String::new() } else { format!("ns{namespace}") };
                let found = graph.relates(&format!("n{node}"), related, &place, &format!("{letter}{name}"));
                let wanted = model.relates(node, related, namespace, name);
                prop_assert_eq!(found, wanted, "n{} {:?} {}/{}{}", node, related, place, letter, name);
            }
        }
    }
}
