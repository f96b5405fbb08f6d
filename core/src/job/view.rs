//! The form in which a target is shown: an object, or a list.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/response.go

use super::Scene;
use crate::answer::View;
use crate::answer::form::{Form, Representation};
use crate::authorization::Target;
use crate::status::{Failure, Reason};
use crate::wire::options::IncludeObject;
use alloc::format;

/// The form in which one object is shown. Fails with 406 when the client asks for the metadata form of a list.
pub(super) fn of_object<'a>(
    scene: &Scene<'a>,
    target: &'a Target,
    form: Form,
    include: IncludeObject,
) -> Result<View<'a>, Failure> {
    if let Representation::MetadataList(_) = form.representation {
        let shown = target.internal_type();
        return Err(other_shape("PartialObjectMetadataList", &format!("is not a list ({shown})")));
    }
    Ok(any(scene, target, form, include))
}

/// The form in which a list is shown. Fails with 406 when the client asks for the metadata form of one object.
pub(super) fn of_list<'a>(
    scene: &Scene<'a>,
    target: &'a Target,
    form: Form,
    include: IncludeObject,
) -> Result<View<'a>, Failure> {
    if let Representation::Metadata(_) = form.representation {
        let shown = target.internal_type();
        return Err(other_shape("PartialObjectMetadata", &format!("is a list ({shown}List)")));
    }
    Ok(any(scene, target, form, include))
}

fn any<'a>(scene: &Scene<'a>, target: &'a Target, form: Form, include: IncludeObject) -> View<'a> {
    View {
        registry: &scene.world.registry,
        room: &scene.world.forms,
        resource: target.resource(),
        form,
        include,
        now: scene.now.wall,
    }
}

/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/response.go asPartialObjectMetadata
fn other_shape(requested: &str, why: &str) -> Failure {
    let message = format!("you requested {requested}, but the requested object {why}");
    Failure::new(Reason::NotAcceptable, message)
}
