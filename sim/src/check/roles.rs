//! What a user whom only roles allow anything may do: exactly what the roles of some revision allow that its server
//! had while it handled the request.

use super::{CheckedAnswer, Guarantee, Violation};
use crate::client_request::{Action, Identity, verb_of};
use crate::truth::Truth;
use crate::users;
use steersman_core::kinds::Verb;
use steersman_core::store::Rev;
use steersman_core::value::Value;

/// Statuses that come before or instead of the decision: no seat, the server ends, no answer in time, and an authorizer
/// that could not tell.
const UNDECIDED: [u16; 4] = [429, 500, 503, 504];

/// Where bindings and roles are stored.
const CLUSTER_BINDINGS: &str = "/registry/clusterrolebindings/";
const CLUSTER_ROLES: &str = "/registry/clusterroles/";
const BINDINGS: &str = "/registry/rolebindings/";
const ROLES: &str = "/registry/roles/";

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AskedOfRoles<'a> {
    pub user: &'a str,
    pub group: &'a str,
    pub verb: Verb,
    /// The API group and the plural.
    pub resource: (&'a str, &'a str),
    /// Empty for all namespaces.
    pub namespace: &'a str,
    pub name: &'a str,
}

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Identity::Bound(number) = answer.ask.identity else { return Ok(()) };
    let (Some(place), Some(verb)) = (&answer.ask.place, verb_of(&answer.ask.action)) else { return Ok(()) };
    let status = answer.reply.status;
    if UNDECIDED.contains(&status) {
        return Ok(());
    }
    let (user, group) = users::bound(number);
    let resource = answer.directory.resource(place.resource);
    let named = answer.ask.options.field.as_ref().filter(|_| matches!(verb, Verb::List | Verb::Watch));
    let name = named.map_or(place.name.as_str(), |(_, name)| name.as_str());
    let asked = AskedOfRoles {
        user: &user,
        group: &group,
        verb,
        resource: (&resource.group, &resource.plural),
        namespace: &place.namespace,
        name,
    };
    let any = |asked: AskedOfRoles<'_>, wanted: bool| {
        revisions(answer.truth, answer.steps_saw).any(|at| allow(answer.truth, at, &asked) == wanted)
    };
    let wrong = |why: &str| {
        let (first, last) = answer.steps_saw;
        let why = format!("{why} of the revisions {} to {}, which its steps saw", first.0, last.0);
        Err(answer.broken(Guarantee::RolesDecide, why))
    };
    let is_refused = status == 403 && answer.body.text_at(&["message"]).contains(" cannot ");
    if is_refused && !any(asked, false) {
        return wrong("it is refused, and the roles allow it at each");
    }
    if (!is_refused || !answer.commits.is_empty()) && !any(asked, true) {
        return wrong("it is let in, and the roles allow it at none");
    }
    let creates = answer.ask.action == Action::Update && status == 201;
    if creates && !any(AskedOfRoles { verb: Verb::Create, ..asked }, true) {
        return wrong("it creates, and the roles allow that at none");
    }
    Ok(())
}

/// The first of two revisions, and those up to the second that changed a role or a binding.
fn revisions(truth: &Truth, (first, last): (Rev, Rev)) -> impl Iterator<Item = Rev> {
    let changes =
        truth.log()[truth.place_after(first)..].iter().take_while(move |change| change.revision <= last);
    let is_of_roles = |key: &[u8]| {
        [CLUSTER_BINDINGS, CLUSTER_ROLES, BINDINGS, ROLES]
            .iter()
            .any(|prefix| key.starts_with(prefix.as_bytes()))
    };
    std::iter::once(first)
        .chain(changes.filter(move |change| is_of_roles(&change.key)).map(|change| change.revision))
}

/// Whether the roles that the store held at a revision allow something: a plain reading of all of them.
pub fn allow(truth: &Truth, at: Rev, asked: &AskedOfRoles<'_>) -> bool {
    let local = format!("{BINDINGS}{}/", asked.namespace);
    let places = [(CLUSTER_BINDINGS, ""), (local.as_str(), asked.namespace)];
    let places = places.iter().take(if asked.namespace.is_empty() { 1 } else { 2 });
    places.into_iter().any(|(prefix, namespace)| {
        truth.under(prefix.as_bytes(), at).any(|binding| gives(truth, at, &binding.object, namespace, asked))
    })
}

fn gives(truth: &Truth, at: Rev, binding: &Value, namespace: &str, asked: &AskedOfRoles<'_>) -> bool {
    let names = |subject: &Value| match subject.text_at(&["kind"]) {
        "User" => subject.text_at(&["name"]) == asked.user,
        "Group" => subject.text_at(&["name"]) == asked.group,
        "ServiceAccount" => {
            let parts = [subject.text_at(&["namespace"]), subject.text_at(&["name"])];
            asked.user == format!("system:serviceaccount:{}", parts.join(":"))
        }
        _ => false,
    };
    if !list(binding, "subjects").iter().any(names) {
        return false;
    }
    let name = binding.text_at(&["roleRef", "name"]);
    let key = match binding.text_at(&["roleRef", "kind"]) {
        "Role" => format!("{ROLES}{namespace}/{name}"),
        _ => format!("{CLUSTER_ROLES}{name}"),
    };
    let role = truth.at(key.as_bytes(), at);
    role.is_some_and(|role| list(&role.object, "rules").iter().any(|rule| covers(rule, asked)))
}

fn covers(rule: &Value, asked: &AskedOfRoles<'_>) -> bool {
    let has = |member: &'static str, word: &str| {
        list(rule, member).iter().filter_map(Value::as_str).any(|held| held == word || held == "*")
    };
    has("verbs", asked.verb.word())
        && has("apiGroups", asked.resource.0)
        && has("resources", asked.resource.1)
        && (list(rule, "resourceNames").is_empty() || has("resourceNames", asked.name))
}

fn list<'a>(value: &'a Value, member: &'static str) -> &'a [Value] {
    value.at(&[member]).and_then(Value::as_list).unwrap_or_default()
}
