//! A client that measures what the quota's namespace holds, as kube-controller-manager does: it reads the quota, then
//! what there is, and writes what is used if the quota has not changed meanwhile.

use super::tenant::NAMESPACE;
use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::ClientRequest;
use crate::driver::Reply;
use crate::generate::raw;
use crate::marks::Mark;
use steersman_core::admission::quota::{Amounts, Evaluator};
use steersman_core::codec::json;
use steersman_core::kinds::Objects;
use steersman_core::now::Wall;
use steersman_core::value::Value;
use steersman_core::value::quantity::Quantity;

/// What the quota may count.
const COUNTED: [&str; 3] = ["configmaps", "pods", "services"];

/// The pause between two measurements, milliseconds.
const PAUSE_MILLIS: u64 = 2_000;

/// A client that keeps the quota's status.
#[derive(Clone, Debug, Default)]
pub(super) struct Accountant {
    /// The quota as it was read; null before.
    quota: Value,
    used: Amounts,
    /// How many of the resources have been listed.
    listed: usize,
    writes: bool,
}

/// No other objects matter to what is measured here.
struct Nothing;

impl Objects for Nothing {
    fn get(&self, _: &str, _: &str, _: &str, _: &str) -> Option<Value> {
        None
    }

    fn visit(&self, _: &str, _: &str, _: &str, _: &mut dyn FnMut(&Value) -> std::ops::ControlFlow<()>) {}
}

fn quota_path() -> String {
    format!("{NAMESPACE}/resourcequotas/metered")
}

impl Accountant {
    /// Adds what the items of a list count for.
    fn count(&mut self, plural: &str, list: &Value) {
        let Some(evaluator) = Evaluator::of("", plural) else { return };
        for item in list.field("items").and_then(Value::as_list).unwrap_or_default() {
            let usage = evaluator.usage(item, &Nothing, Wall::from_seconds(0));
            let hard = Amounts::read(self.quota.at(&["status", "hard"]));
            self.used.add(&usage.only(|name| hard.get(name).is_some()));
        }
    }

    /// The next list, or the write at the end.
    fn next(&mut self) -> Next {
        if let Some(plural) = COUNTED.get(self.listed) {
            return raw("GET", format!("{NAMESPACE}/{plural}")).into();
        }
        let was = Amounts::read(self.quota.at(&["status", "used"]));
        if was.is_same(&self.used) {
            return Next::Sleep(PAUSE_MILLIS);
        }
        self.quota.set_at(&["status", "used"], self.used.to_value());
        self.writes = true;
        let body = json::to_vec(&self.quota);
        ClientRequest { body: body.into(), ..raw("PUT", format!("{}/status", quota_path())) }.into()
    }
}

impl Client for Accountant {
    fn kind(&self) -> &'static str {
        "accountant"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        *self = Self::default();
        if context.calm {
            return Next::Listen;
        }
        match context.pick(4) {
            0 => Next::Sleep(IDLE_MILLIS),
            _ => raw("GET", quota_path()).into(),
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if self.writes && reply.status == 200 {
            context.mark(Mark::QuotaMeasured);
        }
        if self.writes || reply.status != 200 {
            return context.pause();
        }
        if self.quota.is_null() {
            self.quota = reply.value().clone();
            for (name, _) in Amounts::read(self.quota.at(&["status", "hard"])).iter() {
                self.used.set(name.clone(), Quantity::ZERO);
            }
        } else {
            let plural = COUNTED[self.listed];
            self.count(plural, reply.value());
            self.listed += 1;
        }
        self.next()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
