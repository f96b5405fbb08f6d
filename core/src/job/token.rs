//! serviceaccounts/token: a TokenRequest is answered with a signed token of the service account.
//! k8s: pkg/registry/core/serviceaccount/storage/token.go

mod claims;

use super::body::Expected;
use super::existing::read_key;
use super::posted::{Posted, PostedAdmission, PostedStage, kind_of};
use super::{Answer, Ask, Next, Scene, State, fail};
use crate::admission::Admitting;
use crate::answer::Warnings;
use crate::authorization::Target;
use crate::codec::base64;
use crate::kinds::Kind;
use crate::now::Wall;
use crate::status::{Causes, Failure, Path, Qualified};
use crate::store::KeyValue;
use crate::value::{Text, Value, names, object, quoted};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use claims::{Bound, Named, TokenClaims};

const GROUP: &str = "authentication.k8s.io";
const VERSION: &str = "v1";
const KIND: &str = "TokenRequest";
const REQUEST: Qualified<'_> = Qualified { group: GROUP, name: KIND };

/// The shortest and the longest time that a request may ask for, and what one that names none gets, seconds.
/// k8s: pkg/apis/authentication/validation/validation.go, pkg/apis/authentication/v1/defaults.go
const SECONDS_MIN: i64 = 10 * 60;
const SECONDS_MAX: i64 = 1 << 32;
const SECONDS_DEFAULT: i64 = 60 * 60;

/// The time that the projected tokens of pods ask for, and how long such a token is valid if it is extended.
/// k8s: pkg/serviceaccount/claims.go WarnOnlyBoundTokenExpirationSeconds, ExpirationExtensionSeconds
const SECONDS_PROJECTED: i64 = 60 * 60 + 7;
const SECONDS_EXTENDED: i64 = 365 * 24 * 60 * 60;

/// The state of a request for a token.
#[derive(Clone, Debug)]
pub(crate) struct TokenCreate {
    /// The TokenRequest, which becomes the answer.
    posted: Posted,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Plugins that may change the request wait for the store.
    Mutating(Admitting),
    /// The service account is being read.
    Account,
    /// Plugins that may refuse the request wait for the store.
    Validating(Admitting, Issuing),
    /// The object that the token is to be bound to is being read.
    Object(Issuing),
    /// The node of the pod that the token is to be bound to is being read.
    Node(Issuing, Named, Text),
    /// The text is being signed.
    Signing(String),
}

/// What is known of a token once its service account was read.
#[derive(Clone, Debug)]
struct Issuing {
    account: Named,
    now: Wall,
}

/// The kinds of objects that a token can be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BoundKind {
    Pod,
    Node,
    Secret,
}

impl BoundKind {
    fn of(group: &str, kind: &str) -> Option<Self> {
        match (group, kind) {
            ("", "Pod") => Some(Self::Pod),
            ("", "Node") => Some(Self::Node),
            ("", "Secret") => Some(Self::Secret),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Node => "Node",
            Self::Secret => "Secret",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::Node => "nodes",
            Self::Secret => "secrets",
        }
    }

    fn stored<'a>(self, scene: &Scene<'a>) -> Result<&'a Kind, Failure> {
        kind_of(scene, "", "v1", self.plural()).map(|kind| &**kind)
    }
}

fn expected<'a>(scene: &Scene<'a>) -> Result<Expected<'a>, Failure> {
    let catalogue = &scene.world.registry.catalogue;
    let type_id = catalogue.type_named("authentication.v1.TokenRequest");
    let type_id = type_id.ok_or_else(|| Failure::internal("the catalogue has no TokenRequest"))?;
    Ok(Expected { group: GROUP, version: VERSION, kind: KIND, catalogue, type_id })
}

/// Starts a request for a token, whose body has arrived.
pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let mut posted = Posted::begin(scene, target, |_| expected(scene), warnings)?;
    let seconds = posted.value.at(&["spec", "expirationSeconds"]);
    if seconds.is_none_or(Value::is_null) {
        posted.value.set_at(&["spec", "expirationSeconds"], Value::Int(SECONDS_DEFAULT));
    }
    posted.record(scene, expected(scene)?)?;
    TokenCreate { posted, phase: Phase::Account }.mutate(scene, Admitting::default(), None, warnings)
}

impl TokenCreate {
    pub(super) fn target(&self) -> &Target {
        &self.posted.target
    }

    pub(super) fn step(
        mut self,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        match core::mem::replace(&mut self.phase, Phase::Account) {
            Phase::Mutating(admitting) => self.mutate(scene, admitting, Some(answer), warnings),
            Phase::Account => self.found_account(scene, answer, warnings),
            Phase::Validating(admitting, issuing) => {
                self.validate(scene, admitting, issuing, Some(answer), warnings)
            }
            Phase::Object(issuing) => self.found_object(scene, issuing, answer, warnings),
            Phase::Node(issuing, pod, name) => {
                let kv = fail::ranged(answer)?.kvs.pop();
                let node = kv.map(|kv| object_of(scene, BoundKind::Node, kv)).transpose()?;
                let uid = node.as_ref().map(object::uid).unwrap_or_default().into();
                let bound = Bound::Pod(pod, Some(Named { name, uid }));
                self.sign(scene, issuing, Some(bound), warnings)
            }
            Phase::Signing(text) => self.signed(scene, &text, answer),
        }
    }

    fn wait(self, phase: Phase, ask: Ask) -> Next {
        Next::Wait(State::Token(Box::new(Self { phase, ..self })), ask)
    }

    fn mutate(
        mut self,
        scene: &Scene<'_>,
        admitting: Admitting,
        answer: Option<Answer>,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let found = answer.map(fail::reply).transpose()?;
        match self.posted.admit(scene, PostedStage::Mutating, admitting, found, warnings)? {
            PostedAdmission::Wait(admitting, ask) => Ok(self.wait(Phase::Mutating(admitting), ask)),
            PostedAdmission::Admitted => {
                self.check_name()?;
                let target = &self.posted.target;
                let ask = read(scene, target.resource(), target.namespace(), target.name())?;
                Ok(self.wait(Phase::Account, ask))
            }
        }
    }

    /// The body may name the service account, but no other than the path.
    fn check_name(&self) -> Result<(), Failure> {
        let name = object::name(&self.posted.value);
        if name.is_empty() || name == self.posted.target.name() {
            return Ok(());
        }
        let mut causes = Causes::new();
        let why = "must match the service account name if specified";
        causes.invalid(&Path::new("metadata").child("name"), &name.into(), why);
        Err(Failure::invalid(REQUEST, self.posted.target.name(), causes))
    }

    fn found_account(
        mut self,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let kv = fail::ranged(answer)?.kvs.pop().ok_or_else(|| self.posted.target.not_found())?;
        let held = scene.entry_of(self.posted.target.resource(), kv)?.to_value();
        let account = Named { name: self.posted.target.name().into(), uid: object::uid(&held).into() };
        let asked = object::uid(&self.posted.value);
        if !asked.is_empty() && asked != account.uid {
            let why = format!(
                "the UID in the token request ({asked}) does not match the UID of the service account ({})",
                account.uid
            );
            return Err(Failure::conflict(REQUEST, self.posted.target.name(), &why));
        }
        let now = scene.now.wall;
        if self.audiences().is_empty() {
            let audiences = Value::texts(&scene.world.config.audiences);
            self.posted.value.set_at(&["spec", "audiences"], audiences);
        }
        object::set_name(&mut self.posted.value, &account.name);
        object::set_uid(&mut self.posted.value, &account.uid);
        object::set_creation_timestamp(&mut self.posted.value, Some(now));
        self.posted.value.set("status", Value::empty_map());
        self.check_seconds()?;
        self.validate(scene, Admitting::default(), Issuing { account, now }, None, warnings)
    }

    fn audiences(&self) -> Vec<Text> {
        let listed =
            self.posted.value.at(&["spec", "audiences"]).and_then(Value::as_list).unwrap_or_default();
        listed.iter().filter_map(Value::as_str).map(Into::into).collect()
    }

    fn seconds(&self) -> i64 {
        self.posted.value.at(&["spec", "expirationSeconds"]).and_then(Value::as_int).unwrap_or(0)
    }

    /// k8s: pkg/apis/authentication/validation/validation.go ValidateTokenRequest
    fn check_seconds(&self) -> Result<(), Failure> {
        let seconds = self.seconds();
        let why = match seconds {
            ..SECONDS_MIN => "may not specify a duration less than 10 minutes",
            SECONDS_MIN..=SECONDS_MAX => return Ok(()),
            _ => "may not specify a duration larger than 2^32 seconds",
        };
        let mut causes = Causes::new();
        causes.invalid(&Path::new("spec").child("expirationSeconds"), &Value::Int(seconds), why);
        Err(Failure::invalid(REQUEST, "", causes))
    }

    fn validate(
        mut self,
        scene: &Scene<'_>,
        admitting: Admitting,
        issuing: Issuing,
        answer: Option<Answer>,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let found = answer.map(fail::reply).transpose()?;
        match self.posted.admit(scene, PostedStage::Validating, admitting, found, warnings)? {
            PostedAdmission::Wait(admitting, ask) => {
                return Ok(self.wait(Phase::Validating(admitting, issuing), ask));
            }
            PostedAdmission::Admitted => {}
        }
        let Some(kind) = self.bound_kind()? else { return self.sign(scene, issuing, None, warnings) };
        let name = self.reference("name");
        if name.is_empty() {
            return Err(Failure::bad_request("Name parameter required."));
        }
        if let Some(problem) = names::path_segment(name, false).first() {
            return Err(Failure::bad_request(format!("Name parameter invalid: {}: {problem}", quoted(name))));
        }
        let ask = read(scene, kind.stored(scene)?, self.posted.target.namespace(), name)?;
        Ok(self.wait(Phase::Object(issuing), ask))
    }

    /// A member of the reference to the object that the token is to be bound to.
    fn reference(&self, member: &str) -> &str {
        self.posted.value.text_at(&["spec", "boundObjectRef", member])
    }

    /// The kind of that object; None when there is no reference.
    fn bound_kind(&self) -> Result<Option<BoundKind>, Failure> {
        if self.posted.value.at(&["spec", "boundObjectRef"]).is_none_or(Value::is_null) {
            return Ok(None);
        }
        let (group, version) = group_version(self.reference("apiVersion"));
        let kind = self.reference("kind");
        let refused = || {
            let of = format!("{group}/{version}, Kind={kind}");
            Failure::bad_request(format!("cannot bind token to object of type {of}"))
        };
        BoundKind::of(group, kind).ok_or_else(refused).map(Some)
    }

    fn found_object(
        self,
        scene: &Scene<'_>,
        issuing: Issuing,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let kind = self.bound_kind()?.ok_or_else(fail::misfit)?;
        let what = Qualified { group: "", name: kind.plural() };
        let name: Text = self.reference("name").into();
        let kv = fail::ranged(answer)?.kvs.pop().ok_or_else(|| Failure::not_found(what, &name))?;
        let held = object_of(scene, kind, kv)?;
        if kind == BoundKind::Pod
            && held.text_at(&["spec", "serviceAccountName"]) != self.posted.target.name()
        {
            return Err(Failure::bad_request(format!(
                "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
                quoted(self.posted.target.name())
            )));
        }
        let asked = self.reference("uid");
        if !asked.is_empty() && asked != object::uid(&held) {
            let why = format!(
                "the UID in the bound object reference ({asked}) does not match the UID in record. \
                 The object might have been deleted and then recreated"
            );
            return Err(Failure::conflict(Qualified { group: "", name: kind.word() }, &name, &why));
        }
        let found = Named { name, uid: object::uid(&held).into() };
        let node = held.text_at(&["spec", "nodeName"]);
        let bound = match kind {
            BoundKind::Secret => Bound::Secret(found),
            BoundKind::Node => Bound::Node(found),
            BoundKind::Pod if node.is_empty() => Bound::Pod(found, None),
            BoundKind::Pod => return self.find_node(scene, issuing, found, node, warnings),
        };
        self.sign(scene, issuing, Some(bound), warnings)
    }

    /// The node of a pod may be the cached one; if there is none, the store is asked. A node that is not there is named
    /// all the same.
    fn find_node(
        self,
        scene: &Scene<'_>,
        issuing: Issuing,
        pod: Named,
        node: &str,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let resource = BoundKind::Node.stored(scene)?;
        let key = scene.collection(resource)?.keys.key("", node);
        match scene.cached(resource, &key) {
            Some(held) => {
                let node = Named { name: node.into(), uid: object::uid(&held.to_value()).into() };
                self.sign(scene, issuing, Some(Bound::Pod(pod, Some(node))), warnings)
            }
            None => {
                let ask = read(scene, resource, "", node)?;
                Ok(self.wait(Phase::Node(issuing, pod, node.into()), ask))
            }
        }
    }

    fn sign(
        mut self,
        scene: &Scene<'_>,
        issuing: Issuing,
        bound: Option<Bound>,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let config = &scene.world.config;
        let Some(key) = &config.signing_key else { return Err(Failure::no_such_resource()) };
        let longest = config.token_seconds_max;
        if longest > 0 && self.seconds() > longest {
            let asked = self.seconds();
            warnings.add(&format!("requested expiration of {asked} seconds shortened to {longest} seconds"));
            self.posted.value.set_at(&["spec", "expirationSeconds"], Value::Int(longest));
        }
        let (seconds, audiences) = (self.seconds(), self.audiences());
        let is_projected = matches!(bound, Some(Bound::Pod(..))) && seconds == SECONDS_PROJECTED;
        let is_for_this_server = audiences.iter().all(|audience| config.audiences.contains(audience));
        let is_extended = config.extends_tokens && is_projected && is_for_this_server;
        let Issuing { account, now } = issuing;
        let expires = now.plus_seconds(seconds).rfc3339();
        self.posted.value.set_at(&["status", "expirationTimestamp"], expires.into());
        let claims = TokenClaims {
            issuer: &config.issuer,
            audiences,
            namespace: self.posted.target.namespace(),
            account,
            bound,
            id: scene.call.rng.fork("token", 0).uuid(),
            now,
            expires_after_seconds: if is_extended { SECONDS_EXTENDED } else { seconds },
            warns_after_seconds: is_extended.then_some(seconds),
        };
        let text = claims.signed_text(key);
        let ask = Ask::Sign(Bytes::copy_from_slice(text.as_bytes()));
        Ok(self.wait(Phase::Signing(text), ask))
    }

    fn signed(mut self, scene: &Scene<'_>, text: &str, answer: Answer) -> Result<Next, Failure> {
        let Answer::Signed(signed) = answer else { return Err(fail::misfit()) };
        let signature =
            signed.map_err(|why| Failure::internal(format!("failed to generate token: {why}")))?;
        let token = format!("{text}.{}", base64::encode_url(&signature));
        self.posted.value.set_at(&["status", "token"], token.into());
        Ok(Next::Done(self.posted.respond_with_object(expected(scene)?)))
    }
}

/// Group and version of a text; both are empty when it is none.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/schema/group_version.go FromAPIVersionAndKind
fn group_version(text: &str) -> (&str, &str) {
    match text.matches('/').count() {
        0 => ("", text),
        1 if text != "/" => text.split_once('/').unwrap_or_default(),
        _ => ("", ""),
    }
}

/// Reads one object of a kind from the store.
fn read(scene: &Scene<'_>, resource: &Kind, namespace: &str, name: &str) -> Result<Ask, Failure> {
    let collection = scene.collection(resource)?;
    Ok(Ask::Store(collection.feed, read_key(&collection.keys.key(namespace, name))))
}

fn object_of(scene: &Scene<'_>, kind: BoundKind, kv: KeyValue) -> Result<Value, Failure> {
    Ok(scene.entry_of(kind.stored(scene)?, kv)?.to_value())
}
