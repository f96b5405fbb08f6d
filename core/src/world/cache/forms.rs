//! The forms of a stored object: what is sent of it in another version or shape than that of the stored bytes. A form
//! is made when it is first asked for and then shared by all answers and events. It leaves with its entry.

use crate::kinds::KindId;
use crate::now::Wall;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use once_cell::race::OnceBox;

/// Forms that one entry keeps at most. Beyond: a form is made anew each time.
const FORMS_OF_ENTRY: usize = 8;

/// Roughly how many bytes a form takes beside its text.
const FORM_BYTES: usize = 96;

/// Names a form of an entry. All forms are JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormKey {
    /// The kind, and with it the version, that a client sees.
    pub kind: KindId,
    pub part: FormPart,
}

/// What of the object a form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormPart {
    /// The whole object as an item of a typed list: without kind and apiVersion.
    Item,
    /// The cells of a Table's row, and its conditions.
    Cells,
}

/// The text of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormText {
    pub bytes: Box<[u8]>,
    /// The place in the text at which the object's age belongs, which changes all the time, and since when it counts.
    pub age: Option<(usize, Wall)>,
}

/// The room that all forms and trees of a server have together. When it is full, they are made and not kept.
#[derive(Debug)]
pub struct FormRoom {
    bytes_max: usize,
    used: AtomicUsize,
}

impl FormRoom {
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, used: AtomicUsize::new(0) }
    }

    /// The bytes that are taken by forms.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes room. False when there is not enough left.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The forms that an entry keeps: a list to which any thread may append. A clone of an entry begins without forms.
#[derive(Default)]
pub(super) struct Forms {
    first: OnceBox<Form>,
}

struct Form {
    key: FormKey,
    text: FormText,
    room: Arc<FormRoom>,
    next: OnceBox<Self>,
}

impl Form {
    /// None when there is no room for it.
    fn new(key: FormKey, text: FormText, room: &Arc<FormRoom>) -> Option<Box<Self>> {
        let fits = room.take(text.bytes.len() + FORM_BYTES);
        fits.then(|| Box::new(Self { key, text, room: Arc::clone(room), next: OnceBox::new() }))
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        self.room.give_back(self.text.bytes.len() + FORM_BYTES);
    }
}

impl Clone for Forms {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Forms {
    /// Forms are no part of what an entry is: with and without them it is shown in the same way.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Forms")
    }
}

impl Forms {
    /// Gives `send` the form with this key. It is made by `make` unless it is kept, and kept if `make` says that it
    /// stays the same and there is room for it.
    pub(super) fn with<R>(
        &self,
        key: FormKey,
        room: &Arc<FormRoom>,
        make: impl FnOnce() -> (FormText, bool),
        send: impl FnOnce(&FormText) -> R,
    ) -> R {
        let kept = core::iter::successors(self.first.get(), |form| form.next.get());
        let mut count = 0;
        for form in kept {
            if form.key == key {
                return send(&form.text);
            }
            count += 1;
        }
        let (text, lasts) = make();
        let sent = send(&text);
        if lasts
            && count < FORMS_OF_ENTRY
            && let Some(form) = Form::new(key, text, room)
        {
            self.keep(form);
        }
        sent
    }

    /// Appends a form. It is dropped when another thread has been faster with the same one.
    fn keep(&self, mut form: Box<Form>) {
        let mut cell = &self.first;
        for _ in 0..FORMS_OF_ENTRY {
            while cell.get().is_none() {
                match cell.set(form) {
                    Ok(()) => return,
                    Err(unset) => form = unset,
                }
            }
            match cell.get() {
                Some(other) if other.key != form.key => cell = &other.next,
                Some(_) | None => return,
            }
        }
    }

    /// How many forms are kept.
    #[cfg(test)]
    fn len(&self) -> usize {
        core::iter::successors(self.first.get(), |form| form.next.get()).count()
    }
}

impl FormText {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into_boxed_slice(), age: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn key(number: u64) -> FormKey {
        FormKey { kind: KindId(number), part: FormPart::Item }
    }

    fn text(number: u64, len: usize) -> FormText {
        FormText::new(vec![number as u8; len])
    }

    /// Asks for a form of some length, and returns whether it had to be made.
    fn ask(forms: &Forms, number: u64, len: usize, room: &Arc<FormRoom>) -> bool {
        let mut made = false;
        let make = || {
            made = true;
            (text(number, len), true)
        };
        forms.with(key(number), room, make, |form| assert_eq!(*form, text(number, len)));
        made
    }

    #[test]
    fn a_form_is_made_once_and_leaves_with_its_entry() {
        let room = Arc::new(FormRoom::new(10_000));
        let forms = Forms::default();
        assert!(ask(&forms, 1, 100, &room));
        assert!(!ask(&forms, 1, 100, &room));
        assert!(ask(&forms, 2, 50, &room));
        assert_eq!((forms.len(), room.used()), (2, 150 + 2 * FORM_BYTES));
        let copy = forms.clone();
        assert!(ask(&copy, 1, 100, &room), "a copy begins without forms");
        drop(forms);
        assert_eq!(room.used(), 100 + FORM_BYTES);
        drop(copy);
        assert_eq!(room.used(), 0);
    }

    #[test]
    fn an_entry_keeps_a_bounded_number_of_forms() {
        let room = Arc::new(FormRoom::new(1_000_000));
        let forms = Forms::default();
        for number in 0..FORMS_OF_ENTRY as u64 {
            assert!(ask(&forms, number, 1, &room));
        }
        for number in 0..FORMS_OF_ENTRY as u64 {
            assert!(!ask(&forms, number, 1, &room));
        }
        for _ in 0..2 {
            assert!(ask(&forms, 99, 1, &room), "the ninth is made each time");
        }
        assert_eq!((forms.len(), room.used()), (FORMS_OF_ENTRY, FORMS_OF_ENTRY * (1 + FORM_BYTES)));
    }

    #[test]
    fn forms_fill_their_room_to_the_last_byte_and_no_further() {
        for (bytes_max, kept) in
            [(0, 0), (FORM_BYTES + 99, 0), (FORM_BYTES + 100, 1), (2 * FORM_BYTES + 200, 2)]
        {
            let room = Arc::new(FormRoom::new(bytes_max));
            let entries = [Forms::default(), Forms::default(), Forms::default()];
            for forms in &entries {
                ask(forms, 7, 100, &room);
            }
            let held: usize = entries.iter().map(Forms::len).sum();
            assert_eq!((held, room.used()), (kept, kept * (FORM_BYTES + 100)), "{bytes_max}");
            let first_kept = ask(&entries[0], 7, 100, &room);
            assert_eq!(first_kept, kept == 0, "{bytes_max}");
        }
        let room = Arc::new(FormRoom::new(FORM_BYTES + 100));
        let (one, other) = (Forms::default(), Forms::default());
        ask(&one, 1, 100, &room);
        assert!(ask(&other, 1, 100, &room) && ask(&other, 1, 100, &room), "the room is full");
        drop(one);
        assert!(ask(&other, 1, 100, &room) && !ask(&other, 1, 100, &room), "there is room again");
    }

    #[test]
    fn what_does_not_last_is_not_kept() {
        let room = Arc::new(FormRoom::new(1_000));
        let forms = Forms::default();
        for number in 0..3 {
            let sent = forms.with(key(1), &room, || (text(number, 1), false), Clone::clone);
            assert_eq!(sent, text(number, 1));
        }
        assert_eq!((forms.len(), room.used()), (0, 0));
    }
}
