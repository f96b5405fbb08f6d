//! Roles and bindings, among which the server has to find those of the client.

use super::child::{BenchKeys, Served};
use super::measure::{self, BenchRequest};
use super::options::BenchOptions;
use super::pods;

/// The group of the client, which may do to namespaces and pods whatever it likes.
pub(super) const GROUP: &str = "bench:clients";

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// Makes the client's own role and binding, and so many of others: half of them for the whole cluster, half in the
/// namespaces of the pods.
pub(super) async fn create(options: &BenchOptions, keys: &BenchKeys, server: &Served) -> Result<(), String> {
    if options.roles == 0 {
        return Ok(());
    }
    let mut connections = server.connections_of_admin(keys, options.is_http2).await?;
    let namespaces =
        |index: usize| BenchRequest::post("/api/v1/namespaces".into(), pods::namespace_json(index));
    measure::run(server, &mut connections, pods::NAMESPACES, namespaces).await?;
    let count = options.roles;
    measure::run(server, &mut connections, count + 1, role).await?;
    measure::run(server, &mut connections, count + 1, binding).await?;
    Ok(())
}

/// Role 0 is the client's.
fn role(index: usize) -> BenchRequest {
    let place = Place::of(index);
    if index == 0 {
        let rules = r#"[{"apiGroups":[""],"resources":["namespaces","pods","pods/status"],"verbs":["*"]}]"#;
        return place.post("Role", index, &format!(r#""rules":{rules}"#));
    }
    let group = format!(r#"["group-{}.example.com"]"#, index % 7);
    let verbs = r#"["get","list","watch","update"]"#;
    let of_things = (0..3).map(|thing| {
        format!(r#"{{"apiGroups":{group},"resources":["things-{thing}","others"],"verbs":{verbs}}}"#)
    });
    let of_configmaps = r#"{"apiGroups":[""],"resources":["configmaps"],"verbs":["get"]}"#.to_owned();
    let rules: Vec<String> = of_things.chain([of_configmaps]).collect();
    let rules = rules.join(",");
    place.post("Role", index, &format!(r#""rules":[{rules}]"#))
}

/// Every tenth binding is one of all who are authenticated, which counts for the client too.
fn binding(index: usize) -> BenchRequest {
    let place = Place::of(index);
    let group = match index {
        0 => GROUP.to_owned(),
        _ if index.is_multiple_of(10) => "system:authenticated".to_owned(),
        _ => format!("team-{}", index % 50),
    };
    let subject = |kind: &str, name: &str| {
        format!(r#"{{"kind":"{kind}","apiGroup":"rbac.authorization.k8s.io","name":"{name}"}}"#)
    };
    let mut subjects = vec![subject("Group", &group)];
    if index > 0 {
        subjects.push(subject("User", &format!("user-{index}")));
        let namespace = pods::namespace(index);
        subjects.push(format!(r#"{{"kind":"ServiceAccount","namespace":"{namespace}","name":"robot"}}"#));
    }
    let (kind, role, subjects) = (place.kind("Role"), name(index), subjects.join(","));
    let reference = format!(r#"{{"apiGroup":"rbac.authorization.k8s.io","kind":"{kind}","name":"{role}"}}"#);
    let content = format!(r#""roleRef":{reference},"subjects":[{subjects}]"#);
    place.post("RoleBinding", index, &content)
}

fn name(index: usize) -> String {
    format!("bench-role-{index:04}")
}

/// Where a role and its binding are.
struct Place {
    namespace: Option<String>,
}

impl Place {
    fn of(index: usize) -> Self {
        let is_inside = index % 2 == 1;
        Self { namespace: is_inside.then(|| pods::namespace(index / 2)) }
    }

    fn kind(&self, kind: &str) -> String {
        if self.namespace.is_some() { kind.to_owned() } else { format!("Cluster{kind}") }
    }

    fn post(&self, kind: &str, index: usize, content: &str) -> BenchRequest {
        let kind = self.kind(kind);
        let plural = format!("{}s", kind.to_lowercase());
        let (path, namespace) = match &self.namespace {
            Some(namespace) => {
                (format!("{RBAC}/namespaces/{namespace}/{plural}"), format!(r#","namespace":"{namespace}""#))
            }
            None => (format!("{RBAC}/{plural}"), String::new()),
        };
        let name = name(index);
        let metadata = format!(r#"{{"name":"{name}"{namespace}}}"#);
        let version = "rbac.authorization.k8s.io/v1";
        let json = format!(r#"{{"apiVersion":"{version}","kind":"{kind}","metadata":{metadata},{content}}}"#);
        BenchRequest::post(path, json)
    }
}
