//! Tokens: a kubelet gets them for the pods on its node, bound to the pod, and for audiences that the pod needs or that
//! the node is allowed.
//! k8s: plugin/pkg/admission/noderestriction/admission.go admitServiceAccount, validateNodeServiceAccountAudience

use super::{AdmissionOperation, Opinion, Restricted, audience};
use crate::authorization::AttributesRecord;
use crate::question::{Reply, Ruling};
use crate::status::Failure;
use crate::value::{Value, object, quoted};
use alloc::format;

impl Restricted<'_> {
    pub(super) fn token(&self, found: Option<Reply>) -> Result<Opinion, Failure> {
        if self.attributes.operation != AdmissionOperation::Create {
            return Ok(Opinion::Admitted);
        }
        let bound = |field: &str| self.object.text_at(&["spec", "boundObjectRef", field]);
        if bound("apiVersion") != "v1" || bound("kind") != "Pod" || bound("name").is_empty() {
            return self.refuse("node requested token not bound to a pod");
        }
        let uid = bound("uid");
        if uid.is_empty() {
            return self.refuse("node requested token with a pod binding without a uid");
        }
        let pod = self.seen(("pods", "pod"), self.attributes.namespace, bound("name"))?;
        if uid != object::uid(&pod) {
            return self.refuse(&format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might \
                 have been deleted and then recreated"
            ));
        }
        if pod.text_at(&["spec", "nodeName"]) != self.node {
            return self.refuse("node requested token bound to a pod scheduled on a different node");
        }
        self.audience(&pod, found)
    }

    fn audience(&self, pod: &Value, found: Option<Reply>) -> Result<Opinion, Failure> {
        let audiences = self.object.at(&["spec", "audiences"]).and_then(Value::as_list).unwrap_or_default();
        let audience = match audiences {
            [] => "",
            [audience] => audience.as_str().unwrap_or_default(),
            [_, ..] => return self.refuse("node may only request 0 or 1 audiences"),
        };
        match audience::is_needed(self.world, pod, audience) {
            Ok(true) => return Ok(Opinion::Admitted),
            Ok(false) => {}
            Err(why) => {
                return self.refuse(&format!("error validating audience {}: {why}", quoted(audience)));
            }
        }
        let Some(found) = found else {
            let (caller, verb) = (self.attributes.caller, "request-serviceaccounts-token-audience");
            return Ok(Opinion::Asks(alloc::vec![AttributesRecord {
                version: "v1".into(),
                namespace: self.attributes.namespace.into(),
                name: self.attributes.name.into(),
                ..AttributesRecord::of_resource(caller, verb, "", audience)
            }]));
        };
        let Reply::Ruled(rulings) = found else { return Err(crate::store::failure::misfit()) };
        let ruling: Ruling = rulings.into_iter().next().unwrap_or_default();
        let (audience, user) = (quoted(audience), &self.attributes.caller.name);
        if ruling.is_allowed {
            return Ok(Opinion::Admitted);
        }
        let missing = format!("audience {audience} not found in pod spec volume");
        self.refuse(&match ruling.error.as_str() {
            "" => format!("{missing}, {user} is not authorized to request tokens for this audience"),
            why => format!("{missing}, error authorizing {user} to request tokens for this audience: {why}"),
        })
    }
}
