//! A client that asks for anything at all, valid and not: of its requests nothing is expected but an answer.

use super::{Client, IDLE_MILLIS, Next, Scene};
use crate::ask::Ask;
use crate::driver::Reply;
use crate::generate::Generator;

/// One draw in so many does nothing.
const IDLE: u64 = 6;

/// A source of random requests. It works in a namespace of its own and by names of its own.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    generator: Generator,
    /// The namespace is there: somebody said so.
    began: bool,
}

impl Raw {
    pub(super) fn new() -> Self {
        Self { generator: Generator::new(), began: false }
    }
}

impl Client for Raw {
    fn kind(&self) -> &'static str {
        "raw"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        if scene.calm {
            return Next::Listen;
        }
        if scene.pick(IDLE) == 0 {
            return Next::Sleep(IDLE_MILLIS);
        }
        let ask: Ask = if self.began {
            let directory = scene.directory;
            self.generator.request(&mut |bound| scene.pick(bound), directory)
        } else {
            self.generator.namespace(scene.directory)
        };
        ask.into()
    }

    /// Also what a watch begins with: it is dropped.
    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        self.began |= matches!(reply.status, 201 | 409);
        scene.pause()
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        scene.pause()
    }
}
