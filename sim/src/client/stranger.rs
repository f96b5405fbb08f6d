//! A client with an unknown token. Every request must be answered with 401.

use super::{Client, IDLE_MILLIS, Next, Scene};
use crate::ask::{Ask, Identity, Query};
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
fn intrusion(drawn: u64, scene: &Scene<'_>) -> Ask {
    let collection = Place::collection(scene.directory.find("", "v1", "configmaps"), "default");
    let place = collection.named(&format!("c{}", scene.turn % 5));
    match drawn {
        0 => Ask::get(&place),
        1 => Ask::list(&collection, Query::default()),
        2 => Ask::watch(&collection, Query::default()),
        3 => Ask::create(&collection, format!(r#"{{"metadata":{{"name":"stranger-{}"}}}}"#, scene.turn)),
        4 => Ask::update(&place, format!(r#"{{"metadata":{{"name":"{}"}},"data":{{}}}}"#, place.name)),
        5 => Ask::merge_patch(&place, r#"{"data":{"by":"a stranger"}}"#),
        6 => Ask::delete(&place, ""),
        _ => Ask::delete_collection(&collection, Query::default()),
    }
}

impl Client for Stranger {
    fn kind(&self) -> &'static str {
        "stranger"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        if scene.calm {
            return Next::Listen;
        }
        let ask = match scene.pick(12) {
            0 => return Next::Sleep(IDLE_MILLIS),
            drawn @ 1..9 => intrusion(drawn - 1, scene),
            _ => {
                let directory = scene.directory;
                self.generator.request(&mut |bound| scene.pick(bound), directory)
            }
        };
        Ask { identity: Identity::Stranger, ..ask }.into()
    }

    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        if reply.status == 401 {
            scene.mark(Mark::StrangerRefused);
        }
        scene.pause()
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        scene.pause()
    }
}
