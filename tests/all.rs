//! Tests that need nothing but cargo: the generic battery, behaviour under lost replies, malformed
//! input, warnings, house rules, runs of the simulator, and as an example an operator's tests, in a simulated
//! cluster, too. One is skipped without an etcd: the fake one compared with it. With the feature `museum`, bugs that
//! are put back.

mod aggregation;
mod apply;
mod battery;
#[path = "../io/tests/beside_etcd.rs"]
mod beside_etcd;
mod bodies;
mod callers;
mod commits;
mod conditions;
mod configured_plugins;
mod connections;
mod conversions;
mod credentials;
mod definitions;
mod disruptions;
mod documents;
mod etcd_cluster;
#[expect(dead_code, reason = "io's own tests use all of it")]
#[path = "../io/tests/etcd_server.rs"]
mod etcd_server;
mod expressions;
mod field_names;
mod forms;
#[cfg(target_os = "linux")]
mod hostile;
mod house_rules;
mod issuers;
mod kubelets;
mod librarian;
mod listings;
mod malformed;
#[cfg(feature = "museum")]
mod museum;
mod odd_requests;
mod operator;
mod outcalls;
mod patches;
mod permits;
mod plugins;
mod privileges;
mod quotas;
mod recordings;
mod routes;
mod run_time_kinds;
mod seats;
mod shutdown;
mod simulation;
mod starting;
mod strategies;
mod streams;
mod tokens;
mod tunnels;
mod unreadable;
mod uploads;
mod versions;
mod warnings;
mod watches;
mod webhooks;
