//! Conversions for watchers: a job of the machine's own asks a converter for what the lanes of the hub need, one job
//! for a lane at a time. A converter that fails ends the watches of its version with an error event.
//! k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/watcher.go, which sends the error of a conversion and ends

use super::hub::{ConvertedObjects, LaneKey};
use super::slot::SlotState;
use super::{Effect, Machine};
use crate::answer::Frame;
use crate::config::JobId;
use crate::job::{Answer, Call, Job};
use crate::now::Now;
use crate::status::Failure;
use crate::value::Text;
use crate::wire::{Method, Peer, Request};
use crate::world::cache::Entry;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Machine {
    /// Begins the conversions that watchers wait for. It is called after every input.
    pub(super) fn convert_for_watchers(&mut self, now: Now, out: &mut Vec<Effect>) {
        if !self.converting.is_empty() {
            self.drop_conversions(now, out);
        }
        while let Some((lane, entries)) = self.hub.next_in_need(&self.world) {
            let id = JobId(self.own_next);
            self.own_next += 1;
            let call = Arc::new(Call::new(id, request(), now, self.rng.fork("conversion", id.0)));
            self.hub.set_asking(lane, Some(id));
            self.converting.insert(id, lane);
            self.open(id, call.clone(), self.config.request_timeout_millis, now);
            self.run(id, Job::convert(call, lane.1, entries), Answer::Begin, now, out);
        }
        if self.hub.take_left_behind() {
            self.end_some(now, out);
        }
    }

    /// Gives up conversions that nobody waits for any more.
    fn drop_conversions(&mut self, now: Now, out: &mut Vec<Effect>) {
        let is_unwanted = |(id, lane): &(&JobId, &LaneKey)| self.hub.asking(**lane) != Some(**id);
        let unwanted: Vec<JobId> = self.converting.iter().filter(is_unwanted).map(|(id, _)| *id).collect();
        for id in unwanted {
            self.converting.remove(&id);
            let Some(slot) = self.jobs.get_mut(&id) else { continue };
            if matches!(slot.state, SlotState::Running) {
                slot.state = SlotState::Abandoned;
            } else {
                self.forget(id);
                self.ended(id, now, out);
            }
        }
    }

    /// Takes what came of a conversion for watchers.
    pub(super) fn converted_for_watchers(
        &mut self,
        id: JobId,
        outcome: Result<Vec<Arc<Entry>>, Failure>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        self.forget(id);
        self.ended(id, now, out);
        let Some(lane) = self.converting.remove(&id).filter(|lane| self.hub.asking(*lane) == Some(id)) else {
            return;
        };
        self.hub.set_asking(lane, None);
        match outcome {
            Ok(entries) => {
                let place = |entry: Arc<Entry>| ((entry.key().clone(), entry.revision()), entry);
                let learned: ConvertedObjects = entries.into_iter().map(place).collect::<BTreeMap<_, _>>();
                self.hub.advance(lane, &learned, &self.world, now, out);
            }
            Err(failure) => self.end_lane(lane, failure, out),
        }
    }

    /// Gives up a conversion for watchers whose time is over, or whose job has failed.
    pub(super) fn fail_conversion(&mut self, id: JobId, failure: Failure, now: Now, out: &mut Vec<Effect>) {
        match self.jobs.get_mut(&id) {
            // The outcome of the step that is out is dropped.
            Some(slot) if matches!(slot.state, SlotState::Running) => slot.state = SlotState::Abandoned,
            Some(_) | None => {
                self.forget(id);
                self.ended(id, now, out);
            }
        }
        if let Some(lane) = self.converting.remove(&id) {
            self.end_lane(lane, failure, out);
        }
    }

    /// Ends the watches of a lane with an error.
    fn end_lane(&mut self, lane: LaneKey, failure: Failure, out: &mut Vec<Effect>) {
        self.hub.set_asking(lane, None);
        let to = self.hub.ids_of_lane(lane);
        if !to.is_empty() {
            out.push(Effect::Frame { to: to.clone(), frame: Frame::error(failure) });
        }
        self.hub.retire_some(&to, "its objects could not be converted");
    }

    /// Asserts that every conversion for watchers is a job, and that the hub knows of it.
    pub(super) fn check_conversions(&self) {
        assert!(self.converting.keys().all(|id| self.jobs.contains_key(id)), "a conversion is a job");
        let own =
            self.jobs.iter().filter(|(id, slot)| id.is_own() && !matches!(slot.state, SlotState::Abandoned));
        assert_eq!(own.count(), self.converting.len(), "the machine's own jobs are conversions");
    }
}

/// The request that a conversion stands for.
fn request() -> Request {
    Request {
        method: Method::Post,
        path: "/convert".into(),
        query: String::new(),
        headers: Vec::new(),
        has_body: false,
        peer: Peer::None,
        remote_address: Text::default(),
    }
}
