//! A client that writes admission policies and binds them, and makes the writes on which they decide.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::check::{Guarantee, POLICED, Violation, denied};
use crate::client_request::ClientRequest;
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use std::collections::BTreeSet;
use steersman_core::kinds::KindId;

const GROUP: &str = "admissionregistration.k8s.io";
/// How many policies there are, bindings, and objects that they are about.
const POLICIES: u64 = 2;
const BINDINGS: u64 = 3;
const OBJECTS: u64 = 2;
/// The levels that objects have and policies allow are below this.
const LEVELS: u64 = 4;
/// How many changes of policies `change` knows, and how many writes `write`.
const CHANGES: u64 = 6;
const WRITES: u64 = 5;

/// A client that writes policies, and what they are about.
#[derive(Clone, Debug)]
pub(super) struct PolicyAuthor {
    policies: KindId,
    bindings: KindId,
    configmaps: KindId,
    /// The write that is under way: the object and its level.
    asked: Option<(String, u64)>,
    /// Such writes that policies have denied, and those that were stored.
    denied: BTreeSet<(String, u64)>,
    stored: BTreeSet<(String, u64)>,
    /// In the calm: the status of the last dry run that every author makes then.
    last: Option<u16>,
}

impl PolicyAuthor {
    pub(super) fn new(directory: &Directory) -> Self {
        Self {
            policies: directory.find(GROUP, "v1", "validatingadmissionpolicies"),
            bindings: directory.find(GROUP, "v1", "validatingadmissionpolicybindings"),
            configmaps: directory.find("", "v1", "configmaps"),
            asked: None,
            denied: BTreeSet::new(),
            stored: BTreeSet::new(),
            last: None,
        }
    }

    /// A change of the policies and bindings. Tapes name changes by these numbers, so new ones come last.
    fn change(&self, number: u64, context: &mut ClientContext<'_>) -> ClientRequest {
        let policy = format!("author-{}", context.pick(POLICIES));
        let binding = format!("author-{}", context.pick(BINDINGS));
        let of = |kind: KindId, name: &str| Place::collection(kind, "").named(name);
        match number {
            0 | 1 => {
                let most = context.pick(LEVELS);
                let body = policy_of(&policy, most);
                match context.held(&of(self.policies, &policy)) {
                    // Admission objects are written in place of a version that was read.
                    Some(_) => ClientRequest::merge_patch(
                        &of(self.policies, &policy),
                        format!(r#"{{"spec":{{"validations":[{}]}}}}"#, validation(most)),
                    ),
                    None => ClientRequest::create(&Place::collection(self.policies, ""), body),
                }
            }
            2 | 3 => {
                let action = context.one_of(&["Deny", "Deny", "Warn"]);
                match context.held(&of(self.bindings, &binding)) {
                    Some(_) => ClientRequest::merge_patch(
                        &of(self.bindings, &binding),
                        format!(r#"{{"spec":{{"validationActions":["{action}"]}}}}"#),
                    ),
                    None => ClientRequest::create(
                        &Place::collection(self.bindings, ""),
                        format!(
                            r#"{{"metadata":{{"name":"{binding}"}},"spec":{{"policyName":"{policy}","validationActions":["{action}"]}}}}"#
                        ),
                    ),
                }
            }
            4 => ClientRequest::delete(&of(self.policies, &policy), ""),
            _ => ClientRequest::delete(&of(self.bindings, &binding), ""),
        }
    }

    /// A write on which policies decide. Tapes name writes by these numbers, so new ones come last.
    fn write(&mut self, number: u64, context: &mut ClientContext<'_>) -> ClientRequest {
        let name = format!("{POLICED}{}", context.pick(OBJECTS));
        let level = context.pick(LEVELS);
        let collection = Place::collection(self.configmaps, "default");
        let place = collection.named(&name);
        self.asked = (number < 4).then(|| (name.clone(), level));
        let object = object_of(&name, level);
        match number {
            0 => ClientRequest::create(&collection, object),
            1 | 2 => ClientRequest::update(&place, object),
            3 => ClientRequest::merge_patch(&place, format!(r#"{{"data":{{"level":"{level}"}}}}"#)),
            _ => ClientRequest::delete(&place, ""),
        }
    }
}

fn object_of(name: &str, level: u64) -> String {
    format!(r#"{{"metadata":{{"name":"{name}"}},"data":{{"level":"{level}"}}}}"#)
}

/// What the checker reads again: the first validation of each policy allows levels up to a number.
fn validation(most: u64) -> String {
    format!(
        r#"{{"expression":"int(object.data.level) <= {most}","messageExpression":"'at most {most}, not ' + object.data.level"}}"#
    )
}

fn policy_of(name: &str, most: u64) -> String {
    let names: Vec<String> = (0..OBJECTS).map(|number| format!(r#""{POLICED}{number}""#)).collect();
    let (names, validation) = (names.join(","), validation(most));
    format!(
        r#"{{"metadata":{{"name":"{name}"}},"spec":{{"matchConstraints":{{"resourceRules":[{{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["configmaps"],"resourceNames":[{names}]}}]}},"validations":[{validation}]}}}}"#
    )
}

impl Client for PolicyAuthor {
    fn kind(&self) -> &'static str {
        "policy-author"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.asked = None;
        if context.calm {
            let place = Place::collection(self.configmaps, "default").named(&format!("{POLICED}0"));
            let ask = ClientRequest::update(&place, object_of(&format!("{POLICED}0"), LEVELS - 1));
            let options = crate::client_request::RequestOptions { dry_run: true, ..Default::default() };
            return ask.with(options).into();
        }
        let number = match context.pick(1 + CHANGES + WRITES) {
            0 => return Next::Sleep(IDLE_MILLIS),
            drawn => drawn - 1,
        };
        match number.checked_sub(CHANGES) {
            None => self.change(number, context).into(),
            Some(write) => self.write(write, context).into(),
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            self.last = Some(reply.status);
            return Next::Sleep(IDLE_MILLIS);
        }
        if let Some(write) = self.asked.take() {
            match reply.status {
                200..300 => {
                    if self.denied.remove(&write) {
                        context.mark(Mark::PolicyLoosened);
                    }
                    self.stored.insert(write);
                }
                422 => {
                    if self.stored.remove(&write) {
                        context.mark(Mark::PolicyTightened);
                    }
                    self.denied.insert(write);
                }
                _ => {}
            }
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }

    /// Long after the last change of a policy every server decides by the newest ones.
    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        let Some(status) = self.last else { return Ok(()) };
        let is_denied = denied(context.truth, context.truth.revision(), LEVELS - 1);
        if [200, 201, 422].contains(&status) && is_denied == (status != 422) {
            let detail = format!("a write that policies deny ({is_denied}) is answered with {status}");
            return Err(Violation::new(Guarantee::PoliciesDecide, detail));
        }
        Ok(())
    }
}
