//! A client with an unknown token. Every request must be answered with 401.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::{ClientRequest, Identity, RequestOptions};
use crate::directory::Place;
use crate::driver::Reply;
use crate::generate::Generator;
use crate::marks::Mark;

/// A client without a valid token.
#[derive(Clone, Debug)]
pub(super) struct Stranger {
    generator: Generator,
}

impl Stranger {
    pub(super) fn new() -> Self {
        Self { generator: Generator::new() }
    }
}

/// The request with this number. Each would change something if it were let in.
fn intrusion(drawn: u64, context: &ClientContext<'_>) -> ClientRequest {
    let collection = Place::collection(context.directory.find("", "v1", "configmaps"), "default");
    let place = collection.named(&format!("c{}", context.turn % 5));
    match drawn {
        0 => ClientRequest::get(&place),
        1 => ClientRequest::list(&collection, RequestOptions::default()),
        2 => ClientRequest::watch(&collection, RequestOptions::default()),
        3 => ClientRequest::create(
            &collection,
            format!(r#"{{"metadata":{{"name":"stranger-{}"}}}}"#, context.turn),
        ),
        4 => ClientRequest::update(
            &place,
            format!(r#"{{"metadata":{{"name":"{}"}},"data":{{}}}}"#, place.name),
        ),
        5 => ClientRequest::merge_patch(&place, r#"{"data":{"by":"a stranger"}}"#),
        6 => ClientRequest::delete(&place, ""),
        _ => ClientRequest::delete_collection(&collection, RequestOptions::default()),
    }
}

impl Client for Stranger {
    fn kind(&self) -> &'static str {
        "stranger"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        let ask = match context.pick(12) {
            0 => return Next::Sleep(IDLE_MILLIS),
            drawn @ 1..9 => intrusion(drawn - 1, context),
            _ => {
                let directory = context.directory;
                self.generator.request(&mut |bound| context.pick(bound), directory)
            }
        };
        ClientRequest { identity: Identity::Stranger, ..ask }.into()
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if reply.status == 401 {
            context.mark(Mark::StrangerRefused);
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
