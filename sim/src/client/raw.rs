//! A client that makes random requests, valid and invalid ones. Each must get an answer; nothing else is expected.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::ClientRequest;
use crate::driver::Reply;
use crate::generate::Generator;

/// One in this many turns does nothing.
const IDLE: u64 = 6;

/// A source of random requests. It uses a namespace and names of its own.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    generator: Generator,
    /// The namespace exists, as an answer has shown.
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

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        if context.pick(IDLE) == 0 {
            return Next::Sleep(IDLE_MILLIS);
        }
        let ask: ClientRequest = if self.began {
            let directory = context.directory;
            self.generator.request(&mut |bound| context.pick(bound), directory)
        } else {
            self.generator.namespace(context.directory)
        };
        ask.into()
    }

    /// Also called when a watch begins, which is dropped.
    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        self.began |= matches!(reply.status, 201 | 409);
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
