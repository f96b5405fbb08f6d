//! POST of a new object.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go, registry/generic/registry/store.go

use super::authorize::{self, Again};
use super::body;
use super::draft::{Draft, drop_repeated_owners, name_taken};
use super::existing::{found_instead, read_key, write_if};
use super::fail::Written;
use super::{Answer, Ask, Next, Notes, Scene, State, fail, lease, view};
use crate::answer::Warnings;
use crate::answer::form::{Endpoint, Form};
use crate::authorization::{Target, Undecided};
use crate::kinds::{Resource, Verb};
use crate::museum::Mutant;
use crate::status::{Cause, CauseType, Failure, Qualified};
use crate::store::{LeaseId, Op, Put, Rev, TxnOp};
use crate::value::{Text, Value, object};
use crate::wire::options::WriteOptions;
use crate::wire::query::parse_uint;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use bytes::Bytes;

/// The state of a POST.
#[derive(Debug)]
pub(crate) struct Create {
    target: Target,
    form: Form,
    options: WriteOptions,
    /// The client's object, with its namespace set. It is kept only while its name is generated, for another attempt.
    value: Value,
    /// The resource version in the client's body.
    resource_version: Text,
    /// The creation comes from a PUT to an absent name; the resource version in its body does not matter.
    by_update: bool,
    generates: bool,
    lease: LeaseId,
    /// How many names were generated so far.
    tries: u32,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The namespace was not in the cache, so the store was asked for it.
    Namespace,
    Lease,
    /// The request began as an update. Authorization waits for an answer before it can tell whether the caller may
    /// create objects.
    Permission {
        draft: Draft,
        key: Bytes,
        undecided: Undecided,
    },
    Write {
        draft: Draft,
        key: Bytes,
    },
    /// The outcome of the write is unknown; the key is being read to find out.
    Verify {
        draft: Draft,
        why: String,
    },
}

pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let options = WriteOptions::for_create(&scene.call.query)?;
    let body = body::object(scene, &target, options.field_validation)?;
    warnings.extend(body.warnings);
    from_value(scene, target, form, options, body.value, false, warnings)
}

/// Continues with a decoded object, either of a POST, or of a PUT to an absent name.
pub(super) fn from_value(
    scene: &Scene<'_>,
    target: Target,
    form: Form,
    options: WriteOptions,
    mut value: Value,
    by_update: bool,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    drop_repeated_owners(&mut value, false, warnings);
    scene.place(&target, &mut value)?;
    let resource_version = object::resource_version(&value).into();
    let target = target.named(object::name(&value));
    let lease = LeaseId(0);
    let generates = target.name().is_empty();
    let create = Create {
        target,
        form,
        options,
        value,
        resource_version,
        by_update,
        generates,
        lease,
        tries: 0,
        phase: Phase::Namespace,
    };
    create.check_namespace(scene, warnings)
}

impl Create {
    pub(super) fn step(
        self: Box<Self>,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let mut this = *self;
        match core::mem::replace(&mut this.phase, Phase::Namespace) {
            Phase::Namespace => this.namespace_read(scene, answer, warnings),
            Phase::Lease => this.leased(scene, answer, warnings),
            Phase::Permission { draft, key, undecided } => {
                this.ask_permission(scene, draft, key, Some((undecided, answer)))
            }
            Phase::Write { draft, key } => this.written(scene, draft, &key, answer, warnings, notes),
            Phase::Verify { draft, why } => this.verified(scene, draft, &why, answer),
        }
    }

    fn wait(self, scene: &Scene<'_>, phase: Phase, op: Op) -> Result<Next, Failure> {
        let feed = scene.collection(self.target.resource())?.feed;
        Ok(Next::Wait(State::Create(Box::new(Self { phase, ..self })), Ask::Store(feed, op)))
    }

    /// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go
    fn check_namespace(self, scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
        if self.target.namespace().is_empty() {
            return self.lease_or_write(scene, warnings);
        }
        let namespaces = namespaces(scene)?;
        let key = scene.collection(namespaces)?.keys.key("", self.target.namespace());
        match scene.cached(namespaces, &key) {
            Some(entry) => self.namespace_found(scene, &entry.to_value(), warnings),
            None => {
                let feed = scene.collection(namespaces)?.feed;
                let state = State::Create(Box::new(Self { phase: Phase::Namespace, ..self }));
                Ok(Next::Wait(state, Ask::Store(feed, read_key(&key))))
            }
        }
    }

    fn namespace_read(
        self,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let kv = fail::ranged(answer)?.kvs.pop();
        let absent =
            || Failure::not_found(Qualified { group: "", name: "namespaces" }, self.target.namespace());
        let entry = scene.entry_of(namespaces(scene)?, kv.ok_or_else(absent)?)?;
        self.namespace_found(scene, &entry.to_value(), warnings)
    }

    fn namespace_found(
        self,
        scene: &Scene<'_>,
        namespace: &Value,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        if !object::is_being_deleted(namespace) {
            return self.lease_or_write(scene, warnings);
        }
        let name = self.target.namespace();
        let why = format!("unable to create new content in namespace {name} because it is being terminated");
        let failure = Failure::forbidden(self.target.qualified(), self.target.name(), &why);
        let cause = Cause {
            reason: CauseType::NamespaceTerminating,
            message: format!("namespace {name} is being terminated"),
            field: "metadata.namespace".into(),
        };
        Err(failure.with_cause(cause))
    }

    fn lease_or_write(self, scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
        match lease::op(scene, &self.target) {
            Some(op) if !self.options.dry_run => self.wait(scene, Phase::Lease, op),
            Some(_) | None => self.write(scene, warnings),
        }
    }

    fn leased(mut self, scene: &Scene<'_>, answer: Answer, warnings: &mut Warnings) -> Result<Next, Failure> {
        self.lease = lease::granted(answer)?;
        self.write(scene, warnings)
    }

    /// Sets the object's name, drafts the object and writes it.
    fn write(mut self, scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
        // The tree is moved, not cloned, whenever no further attempt can need it: it is then changed in place.
        let mut value = if self.generates { self.value.clone() } else { core::mem::take(&mut self.value) };
        let prefix = object::generate_name(&value);
        if object::name(&value).is_empty() && !prefix.is_empty() {
            let name =
                generated(prefix, scene.call.rng.fork("name", u64::from(self.tries)).name_suffix(SUFFIX_LEN));
            object::set_name(&mut value, &name);
        }
        let mut draft = scene.draft_new(&self.target, value)?;
        warnings.extend(core::mem::take(&mut draft.warnings));
        self.target = self.target.named(object::name(&draft.value));
        let collection = scene.collection(self.target.resource())?;
        let key = collection.keys.key(self.target.namespace(), self.target.name());
        if self.target.verb() == Verb::Create {
            return self.permitted(scene, draft, key);
        }
        self.ask_permission(scene, draft, key, None)
    }

    /// Asks whether the caller, who may update objects, may also create them.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/update.go withAuthorization
    fn ask_permission(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: Bytes,
        asked: Option<(Undecided, Answer)>,
    ) -> Result<Next, Failure> {
        match authorize::again(scene, &self.target, Verb::Create, asked)? {
            Again::Allowed(target) => Self { target, ..self }.permitted(scene, draft, key),
            Again::Wait(undecided, ask) => {
                let phase = Phase::Permission { draft, key, undecided };
                Ok(Next::Wait(State::Create(Box::new(Self { phase, ..self })), ask))
            }
        }
    }

    /// Continues with an object that the caller may create.
    fn permitted(self, scene: &Scene<'_>, draft: Draft, key: Bytes) -> Result<Next, Failure> {
        assert!(self.target.verb() == Verb::Create, "only a permit to create leads here");
        if self.options.dry_run {
            return self.dry_run(scene, draft, &key);
        }
        self.check_resource_version()?;
        self.send(scene, draft, key)
    }

    /// A new object must not name a resource version, since the store assigns it. A text that is not a number is
    /// ignored.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go Create
    fn check_resource_version(&self) -> Result<(), Failure> {
        let sent = parse_uint(&self.resource_version).unwrap_or(0);
        if sent == 0 || self.by_update {
            return Ok(());
        }
        Err(Failure::unclassified("resourceVersion should not be set on objects to be created"))
    }

    fn send(self, scene: &Scene<'_>, draft: Draft, key: Bytes) -> Result<Next, Failure> {
        let put = Put { key: key.clone(), value: draft.bytes.clone(), lease: self.lease };
        let op = write_if(&key, Rev(0), TxnOp::Put(put));
        self.wait(scene, Phase::Write { draft, key }, op)
    }

    /// Answers a dry run. Nothing is written, so the answer has the resource version that the client sent.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/dryrun.go
    fn dry_run(self, scene: &Scene<'_>, mut draft: Draft, key: &[u8]) -> Result<Next, Failure> {
        let resource = self.target.resource();
        if scene.cached(resource, key).is_some() {
            return Err(name_taken(&self.target, self.target.name(), ""));
        }
        object::set_resource_version(&mut draft.value, &self.resource_version);
        self.respond(scene, draft, key, None)
    }

    fn written(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: &Bytes,
        answer: Answer,
        warnings: &mut Warnings,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let reply = match fail::written(answer, &self.target, notes)? {
            Written::Txn(reply) => reply,
            Written::Unknown(_) if scene.flaw().is(Mutant::UnknownMeansFailed) => {
                return self.send(scene, draft, key.clone());
            }
            Written::Unknown(why) => return self.wait(scene, Phase::Verify { draft, why }, read_key(key)),
        };
        if reply.succeeded {
            return self.respond(scene, draft, key, Some(reply.revision));
        }
        let tries_max = scene.world.config.bounds.generated_name_tries;
        if self.generates && self.tries + 1 < tries_max && found_instead(reply).is_some() {
            return Self { tries: self.tries + 1, ..self }.write(scene, warnings);
        }
        let prefix = if self.generates { object::generate_name(&self.value) } else { "" };
        Err(name_taken(&self.target, self.target.name(), prefix))
    }

    /// Decides the outcome by what the key holds. If it holds an object with the uid made for this request, the write
    /// happened. If not, the write may still happen later, so the client is told that the outcome is unknown.
    fn verified(self, scene: &Scene<'_>, draft: Draft, why: &str, answer: Answer) -> Result<Next, Failure> {
        let kv = fail::read_back(answer, why)?;
        match kv.filter(|kv| kv.value == draft.bytes) {
            Some(kv) => self.respond(scene, draft, &kv.key, Some(kv.mod_revision)),
            None => Err(fail::unknown_outcome(why)),
        }
    }

    fn respond(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: &[u8],
        revision: Option<Rev>,
    ) -> Result<Next, Failure> {
        let view = view::of_object(scene, &self.target, self.form, scene.call.include()?)?;
        Ok(Next::Done(scene.respond_written(&view, 201, key, draft, revision)))
    }
}

/// The resource of namespaces.
fn namespaces<'a>(scene: &Scene<'a>) -> Result<&'a Resource, Failure> {
    let found = scene.world.registry.find("", "v1", "namespaces");
    found.ok_or_else(|| Failure::internal("namespaces are not served"))
}

/// The length of a generated suffix, and the longest prefix that is kept before it.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/names/generate.go
const SUFFIX_LEN: usize = 5;
const PREFIX_LEN_MAX: usize = 58;

fn generated(prefix: &str, suffix: Text) -> Text {
    let end =
        (0..=prefix.len().min(PREFIX_LEN_MAX)).rev().find(|at| prefix.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{suffix}", &prefix[..end]).into()
}
