//! What validating admission policies deny: exactly what those of some revision deny that the server had while it
//! handled the request.

use super::{CheckedAnswer, Guarantee, Violation};
use crate::client_request::{Action, Identity};
use crate::truth::Truth;
use steersman_core::store::Rev;
use steersman_core::value::{Value, object};

/// How the names of the objects begin that policies are about.
pub const POLICED: &str = "policed-";

/// Where policies and bindings are stored.
const POLICIES: &str = "/registry/validatingadmissionpolicies/";
const BINDINGS: &str = "/registry/validatingadmissionpolicybindings/";

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let writes = matches!(answer.ask.action, Action::Create | Action::Update | Action::Patch);
    if !writes || answer.ask.identity != Identity::Admin || answer.ask.original.is_some() {
        return Ok(());
    }
    let Some(place) = &answer.ask.place else { return Ok(()) };
    let resource = answer.directory.resource(place.resource);
    let sent = steersman_core::codec::json::parse(&answer.ask.body).map(|parsed| parsed.value);
    let Some(level) = sent.ok().and_then(|sent| sent.text_at(&["data", "level"]).parse::<u64>().ok()) else {
        return Ok(());
    };
    let name = match place.name.as_str() {
        "" => object_name(&answer.ask.body),
        name => name.to_owned(),
    };
    if !resource.group.is_empty() || resource.plural != "configmaps" || !name.starts_with(POLICED) {
        return Ok(());
    }
    let any = |wanted: bool| {
        revisions(answer.truth, answer.steps_saw).any(|at| denied(answer.truth, at, level) == wanted)
    };
    let wrong = |why: &str| {
        let (first, last) = answer.steps_saw;
        let why = format!("{why} of the revisions {} to {}, which its steps saw", first.0, last.0);
        Err(answer.broken(Guarantee::PoliciesDecide, why))
    };
    let message = answer.body.text_at(&["message"]);
    let is_denied = answer.reply.status == 422 && message.contains("ValidatingAdmissionPolicy");
    if is_denied && !any(true) {
        return wrong("policies refuse it, and do so at none");
    }
    if !answer.commits.is_empty() && !any(false) {
        return wrong("it is stored, and policies deny it at each");
    }
    Ok(())
}

fn object_name(body: &[u8]) -> String {
    let parsed = steersman_core::codec::json::parse(body).map(|parsed| parsed.value);
    parsed.map(|value| object::name(&value).to_owned()).unwrap_or_default()
}

/// The first of two revisions, and those up to the second that changed a policy or a binding.
fn revisions(truth: &Truth, (first, last): (Rev, Rev)) -> impl Iterator<Item = Rev> {
    let changes =
        truth.log()[truth.place_after(first)..].iter().take_while(move |change| change.revision <= last);
    let is_of_policies =
        |key: &[u8]| [POLICIES, BINDINGS].iter().any(|prefix| key.starts_with(prefix.as_bytes()));
    std::iter::once(first)
        .chain(changes.filter(move |change| is_of_policies(&change.key)).map(|change| change.revision))
}

/// Whether the policies that the store held at a revision deny a level: a plain reading of all of them.
pub fn denied(truth: &Truth, at: Rev, level: u64) -> bool {
    truth.under(BINDINGS.as_bytes(), at).any(|binding| {
        let binding = &binding.object;
        let actions = list(binding.at(&["spec", "validationActions"]));
        let denies = actions.iter().any(|action| action.as_str() == Some("Deny"));
        let key = format!("{POLICIES}{}", binding.text_at(&["spec", "policyName"]));
        let policy = truth.at(key.as_bytes(), at).filter(|_| denies);
        policy.is_some_and(|policy| {
            let validations = list(policy.object.at(&["spec", "validations"]));
            let most = |validation: &Value| {
                let text = validation.text_at(&["expression"]);
                text.strip_prefix("int(object.data.level) <= ").and_then(|most| most.parse::<u64>().ok())
            };
            validations.iter().filter_map(most).any(|most| level > most)
        })
    })
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_list).unwrap_or_default()
}
