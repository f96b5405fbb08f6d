//! What is needed to show stored objects later and elsewhere: lists and events are rendered while they are sent.

use super::View;
use super::form::{Form, Media, Representation};
use crate::kinds::{KindId, Registry};
use crate::now::Wall;
use crate::wire::options::IncludeObject;
use crate::world::World;
use crate::world::cache::FormRoom;
use alloc::sync::Arc;

/// The form of the objects in a watch's events, or in a list. Watchers of one form share their frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventForm {
    pub resource: KindId,
    pub shape: Representation,
    pub include: IncludeObject,
}

impl EventForm {
    /// Only the first event of a Table watch carries the column definitions.
    pub fn first_differs(self) -> bool {
        matches!(self.shape, Representation::Table(_))
    }
}

/// Renders with the kinds of one snapshot, and at one time, which is needed because Table cells show ages.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    registry: Arc<Registry>,
    room: Arc<FormRoom>,
    now: Wall,
}

impl Renderer {
    pub(crate) fn new(world: &World, now: Wall) -> Self {
        Self { registry: Arc::clone(&world.registry), room: Arc::clone(&world.forms), now }
    }

    /// The form as compact JSON.
    pub(crate) fn view(&self, form: EventForm) -> View<'_> {
        let kind = self.registry.kind(form.resource);
        View {
            registry: &self.registry,
            room: &self.room,
            resource: kind.expect("the form is of a kind in the snapshot"),
            form: Form { media: Media::Json, representation: form.shape, pretty: false },
            include: form.include,
            now: self.now,
        }
    }
}

impl View<'_> {
    /// What shows objects in this way later.
    pub(crate) fn renderer(&self) -> (Renderer, EventForm) {
        let renderer =
            Renderer { registry: Arc::clone(self.registry), room: Arc::clone(self.room), now: self.now };
        let shape = self.form.representation;
        (renderer, EventForm { resource: self.resource.id, shape, include: self.include })
    }
}
