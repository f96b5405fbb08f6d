//! A client of the kind that comes and goes: it writes, reads, lists and watches objects of it, whether it is served or
//! not, of whatever schema it is, and in both of its versions. Each request must get an answer.

use super::{Client, ClientContext, IDLE_MILLIS, Next, WatchEvent};
use crate::check::CONVERSION_FAILED;
use crate::client_request::ClientRequest;
use crate::driver::Reply;
use crate::generate::raw;
use crate::marks::Mark;
use crate::testbed::{KIND_PLACE, OTHER_KIND_PLACE};
use bytes::Bytes;
use steersman_core::codec::json;
use steersman_core::value::{Value, object};

/// Objects have one of so many names.
const NAMES: u64 = 3;

#[derive(Clone, Debug)]
pub(super) struct Customer {
    number: u64,
    /// The last answer was that the kind is not served.
    was_gone: bool,
    watches: bool,
}

impl Customer {
    pub(super) fn new(number: u64) -> Self {
        Self { number, was_gone: false, watches: false }
    }

    /// An object of the first version, or of the other one.
    fn object(context: &mut ClientContext<'_>, name: &str, is_other: bool) -> Value {
        let mut out = Value::empty_map();
        let api_version = if is_other { "example.com/v2" } else { "example.com/v1" };
        object::set_api_version_and_kind(&mut out, api_version, "Widget");
        object::set_name(&mut out, name);
        let size = context.pick(5) as i64;
        if size > 0 {
            out.set_at(&["spec", "size"], Value::Int(size));
        }
        let color = context.one_of(&["", "red", "blue"]);
        if !color.is_empty() {
            out.set_at(&["spec", if is_other { "shade" } else { "color" }], Value::str(color));
        }
        let repeated = context.pick(4) == 3;
        let tags = if repeated { vec![Value::str("a"), Value::str("a")] } else { vec![Value::str("a")] };
        out.set_at(&["spec", "tags"], Value::list(tags));
        out
    }

    fn ask(&self, context: &mut ClientContext<'_>) -> ClientRequest {
        let name = format!("widget-{}-{}", self.number, context.pick(NAMES));
        let is_other = context.pick(3) == 2;
        let all = if is_other { OTHER_KIND_PLACE } else { KIND_PLACE };
        let one = format!("{all}/{name}");
        match context.pick(10) {
            0 => raw("GET", all),
            1 => raw("GET", format!("{all}?resourceVersion=0")),
            2 => raw("GET", one),
            3 | 4 => {
                let body = json::to_vec(&Self::object(context, &name, is_other));
                ClientRequest { body: body.into(), ..raw("POST", all) }
            }
            5 => {
                let body = json::to_vec(&Self::object(context, &name, is_other));
                ClientRequest { body: body.into(), ..raw("PUT", one) }
            }
            6 => {
                let body: &[u8] = match is_other {
                    true => br#"{"spec":{"shade":"green"},"status":{"phase":"Ready"}}"#,
                    false => br#"{"spec":{"color":"green"},"status":{"phase":"Ready"}}"#,
                };
                let media = "application/merge-patch+json";
                let place = context.one_of(&["", "/status"]);
                ClientRequest {
                    body: Bytes::from_static(body),
                    media,
                    ..raw("PATCH", format!("{one}{place}"))
                }
            }
            7 => raw("DELETE", one),
            _ => raw("GET", format!("{all}?watch=1")),
        }
    }
}

impl Client for Customer {
    fn kind(&self) -> &'static str {
        "customer"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.watches = false;
        if context.calm {
            return Next::Listen;
        }
        if context.pick(6) == 0 {
            return Next::Sleep(IDLE_MILLIS);
        }
        let ask = self.ask(context);
        self.watches = ask.is_raw_watch(KIND_PLACE) || ask.is_raw_watch(OTHER_KIND_PLACE);
        ask.into()
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if reply.status == 500 && reply.value().text_at(&["message"]).starts_with(CONVERSION_FAILED) {
            context.mark(Mark::ConversionFailed);
        }
        if reply.status == 404 && reply.text().starts_with("404 page") {
            self.was_gone = true;
        } else if reply.status < 300 && self.was_gone {
            self.was_gone = false;
            context.mark(Mark::KindCameAgain);
        }
        if self.watches && reply.status == 200 { Next::Listen } else { context.pause() }
    }

    /// One event in so many ends the watch.
    fn event(&mut self, event: &WatchEvent, context: &mut ClientContext<'_>) -> Next {
        if event.object.text_at(&["message"]).starts_with(CONVERSION_FAILED) {
            context.mark(Mark::ConvertedWatchEnded);
        }
        if context.calm || context.pick(8) != 7 { Next::Listen } else { context.pause() }
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
