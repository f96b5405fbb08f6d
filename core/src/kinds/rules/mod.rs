//! What the kinds do beyond the generic: one file (or folder) per kind or family, as upstream's
//! strategies.

pub mod admissionregistration;
pub mod apiservice;
pub mod certificatesigningrequest;
pub mod configmap;
pub mod controllerrevision;
pub mod cronjob;
pub mod custom;
pub mod customresourcedefinition;
pub mod daemonset;
pub mod deployment;
pub mod endpoints;
pub mod endpointslice;
pub mod event;
pub mod flowcontrol;
pub mod horizontalpodautoscaler;
pub mod ingress;
pub mod job;
pub mod lease;
pub mod limitrange;
pub mod namespace;
pub mod networkpolicy;
pub mod node;
pub mod persistentvolume;
pub mod persistentvolumeclaim;
pub mod plain;
pub mod pod;
pub mod poddisruptionbudget;
pub mod podtemplate;
pub mod priorityclass;
pub mod rbac;
pub mod replicaset;
pub mod replicationcontroller;
pub mod resource;
pub mod resourcequota;
pub mod runtimeclass;
pub mod secret;
pub mod service;
pub mod serviceaccount;
pub mod servicecidr;
pub mod statefulset;
pub mod storage;

mod fill;
mod immutable;
mod status;
mod warnings;
