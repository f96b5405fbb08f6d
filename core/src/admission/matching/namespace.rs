//! The namespace of a write, for selectors and for expressions that look at it.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/namespace/matcher.go

use crate::admission::{AdmissionAttributes, AdmissionOperation, namespace_of};
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::value::{Map, Value};
use crate::world::World;

/// What is known of the namespace of a write. Plugins that wait keep it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamespaceLookup {
    found: Option<Result<Value, Failure>>,
}

impl NamespaceLookup {
    /// The labels that selectors look at: those of a Namespace that is written are its own. The error is what has to be
    /// asked first; inside, that there is no such namespace.
    pub(super) fn labels<'a>(
        &'a mut self,
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        object: &'a Value,
    ) -> Result<Result<Option<&'a Map>, Failure>, Question> {
        fn labels(object: &Value) -> Option<&Map> {
            object.at(&["metadata", "labels"]).and_then(Value::as_map)
        }
        let is_own = attributes.is_of_namespaces()
            && attributes.subresource.is_empty()
            && matches!(attributes.operation, AdmissionOperation::Create | AdmissionOperation::Update);
        if is_own {
            return Ok(Ok(labels(object)));
        }
        Ok(match self.object(world, attributes.namespace_of_request())? {
            Ok(namespace) => Ok(labels(namespace)),
            Err(failure) => Err(failure.clone()),
        })
    }

    /// The namespace with this name. The error is what has to be asked first; inside, that there is none.
    pub(crate) fn object(&mut self, world: &World, name: &str) -> Result<Result<&Value, &Failure>, Question> {
        let found = match self.found.take() {
            Some(found) => found,
            None => match namespace_of::lookup(world, name, None) {
                Ok(Ok(namespace)) => Ok(namespace),
                Ok(Err(question)) => return Err(question),
                Err(failure) => Err(failure),
            },
        };
        Ok(self.found.insert(found).as_ref())
    }

    /// Takes what was asked for.
    pub(crate) fn answer(&mut self, world: &World, name: &str, reply: Reply) {
        self.found = match namespace_of::lookup(world, name, Some(reply)) {
            Ok(Ok(namespace)) => Some(Ok(namespace)),
            Ok(Err(_)) => None,
            Err(failure) => Some(Err(failure)),
        };
    }
}
