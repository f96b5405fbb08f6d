//! A client that gives roles to users and takes them back, and acts as these users while the roles change.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::check::{AskedOfRoles, Guarantee, Violation, allow};
use crate::client_request::{Action, ClientRequest, Identity, RequestOptions};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use crate::users;
use std::collections::BTreeSet;
use steersman_core::kinds::{KindId, Verb};

/// The namespaces in which roles are given and used.
const NAMESPACES: [&str; 2] = ["default", "kube-system"];
/// What a role allows.
const RULES: [&str; 5] = [
    r#"{"verbs":["get","list"],"apiGroups":[""],"resources":["configmaps"]}"#,
    r#"{"verbs":["*"],"apiGroups":[""],"resources":["configmaps"]}"#,
    r#"{"verbs":["get","update","delete"],"apiGroups":[""],"resources":["configmaps"],"resourceNames":["deputy-0"]}"#,
    r#"{"verbs":["create","patch"],"apiGroups":["*"],"resources":["*"]}"#,
    r#"{"verbs":["get","update"],"apiGroups":["coordination.k8s.io"],"resources":["leases"]}"#,
];
const RBAC: &str = "rbac.authorization.k8s.io";
/// How many changes of roles `change` knows, and how many requests `request`.
const CHANGES: u64 = 6;
const REQUESTS: u64 = 8;

/// A client that changes roles, and uses them.
#[derive(Clone, Debug)]
pub(super) struct Deputy {
    configmaps: KindId,
    leases: KindId,
    /// Roles, cluster roles, and the bindings of each scope.
    roles: KindId,
    cluster_roles: KindId,
    bindings: KindId,
    cluster_bindings: KindId,
    /// The request as a user that is under way: the user, the action and the path.
    asked: Option<(u8, Action, String)>,
    /// Such requests that were let in.
    let_in: BTreeSet<(u8, String)>,
    /// In the calm: the status of the last read of the one place that every deputy reads then.
    last_read: Option<u16>,
}

impl Deputy {
    pub(super) fn new(directory: &Directory) -> Self {
        Self {
            configmaps: directory.find("", "v1", "configmaps"),
            leases: directory.find("coordination.k8s.io", "v1", "leases"),
            roles: directory.find(RBAC, "v1", "roles"),
            cluster_roles: directory.find(RBAC, "v1", "clusterroles"),
            bindings: directory.find(RBAC, "v1", "rolebindings"),
            cluster_bindings: directory.find(RBAC, "v1", "clusterrolebindings"),
            asked: None,
            let_in: BTreeSet::new(),
            last_read: None,
        }
    }

    /// A change of the roles and bindings. Tapes name changes by these numbers, so new ones come last.
    fn change(&self, number: u64, context: &mut ClientContext<'_>) -> ClientRequest {
        let namespace = context.one_of(&NAMESPACES);
        let is_cluster = context.pick(3) == 0;
        let (role_kind, binding_kind) = match is_cluster {
            true => (self.cluster_roles, self.cluster_bindings),
            false => (self.roles, self.bindings),
        };
        let place = |kind| Place::collection(kind, if is_cluster { "" } else { namespace });
        let role = format!("deputy-{}", context.pick(2));
        let role_place = place(role_kind).named(&role);
        let user = context.pick(u64::from(users::BOUND)) as u8;
        let binding = format!("deputy-{user}-{role}");
        let binding_place = place(binding_kind).named(&binding);
        match number {
            // A PUT creates what is not there.
            0 | 1 => {
                let rule = context.one_of(&RULES);
                let body = format!(r#"{{"metadata":{{"name":"{role}"}},"rules":[{rule}]}}"#);
                ClientRequest::update(&role_place, body)
            }
            2 | 3 => {
                let of_cluster = is_cluster || context.pick(2) == 1;
                let kind = if of_cluster { "ClusterRole" } else { "Role" };
                let reference = format!(r#"{{"apiGroup":"{RBAC}","kind":"{kind}","name":"{role}"}}"#);
                let subject = users::bound_subject(user);
                let body = format!(
                    r#"{{"metadata":{{"name":"{binding}"}},"roleRef":{reference},"subjects":[{subject}]}}"#
                );
                ClientRequest::create(&place(binding_kind), body)
            }
            4 => ClientRequest::delete(&role_place, ""),
            _ => ClientRequest::delete(&binding_place, ""),
        }
    }

    /// A request as a user. Tapes name requests by these numbers, so new ones come last.
    fn request(&self, number: u64, context: &mut ClientContext<'_>) -> ClientRequest {
        let namespace = context.one_of(&NAMESPACES);
        let name = format!("deputy-{}", context.pick(2));
        let collection = Place::collection(self.configmaps, namespace);
        let place = collection.named(&name);
        let object = format!(r#"{{"metadata":{{"name":"{name}"}},"data":{{"turn":"{}"}}}}"#, context.turn);
        let field = Some(("metadata.name".into(), name.clone()));
        match number {
            0 => ClientRequest::get(&place),
            1 => ClientRequest::list(&collection, RequestOptions { field, ..RequestOptions::default() }),
            2 => ClientRequest::list(&Place::collection(self.configmaps, ""), RequestOptions::default()),
            3 => ClientRequest::create(&collection, object),
            4 => ClientRequest::update(&place, object),
            5 => ClientRequest::merge_patch(&place, format!(r#"{{"data":{{"turn":"{}"}}}}"#, context.turn)),
            6 => ClientRequest::delete(&place, ""),
            // A PUT of a lease creates it if it is absent.
            _ => ClientRequest::update(
                &Place::collection(self.leases, namespace).named(&name),
                format!(r#"{{"metadata":{{"name":"{name}"}}}}"#),
            ),
        }
    }

    /// What every deputy reads in the calm.
    fn read_in_calm(&self) -> ClientRequest {
        let place = Place::collection(self.configmaps, NAMESPACES[0]).named("deputy-0");
        ClientRequest { identity: Identity::Bound(0), ..ClientRequest::get(&place) }
    }
}

impl Client for Deputy {
    fn kind(&self) -> &'static str {
        "deputy"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.asked = None;
        if context.calm {
            return self.read_in_calm().into();
        }
        let number = match context.pick(1 + CHANGES + REQUESTS) {
            0 => return Next::Sleep(IDLE_MILLIS),
            drawn => drawn - 1,
        };
        if number < CHANGES {
            return self.change(number, context).into();
        }
        let ask = self.request(number - CHANGES, context);
        let user = context.pick(u64::from(users::BOUND)) as u8;
        let path = ask.place.as_ref().map_or(String::new(), |place| context.directory.path(place));
        self.asked = Some((user, ask.action.clone(), path));
        ClientRequest { identity: Identity::Bound(user), ..ask }.into()
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            self.last_read = Some(reply.status);
            return Next::Sleep(IDLE_MILLIS);
        }
        if let Some((user, action, path)) = self.asked.take() {
            let what = (user, format!("{action:?} {path}"));
            match reply.status {
                200..300 => {
                    context.mark(Mark::RightGiven);
                    self.let_in.insert(what);
                }
                403 if self.let_in.remove(&what) => context.mark(Mark::RightTakenBack),
                _ => {}
            }
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }

    /// Long after the last change of a role every server decides by the newest ones.
    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        let Some(status) = self.last_read else { return Ok(()) };
        let (user, group) = users::bound(0);
        let asked = AskedOfRoles {
            user: &user,
            group: &group,
            verb: Verb::Get,
            resource: ("", "configmaps"),
            namespace: NAMESPACES[0],
            name: "deputy-0",
        };
        let is_allowed = allow(context.truth, context.truth.revision(), &asked);
        if [200, 404, 403].contains(&status) && is_allowed == (status == 403) {
            let detail = format!("a read that roles allow ({is_allowed}) is answered with {status}");
            return Err(Violation::new(Guarantee::RolesDecide, detail));
        }
        Ok(())
    }
}
