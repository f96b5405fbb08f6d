//! A client that makes service accounts and pods, asks for tokens of them, and uses those tokens while the accounts and
//! pods come and go.

use super::{Client, ClientContext, IDLE_MILLIS, Next, reading};
use crate::client_request::{Action, ClientRequest, Identity, RequestOptions};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use std::sync::Arc;

/// How many names of accounts and pods there are for each client.
const NAMES: u64 = 2;
/// How many tokens a client keeps.
const TOKENS: usize = 6;

/// Some of the tokens that it holds are always of what is gone.
#[derive(Clone, Debug)]
pub(super) struct Lodger {
    number: u64,
    accounts: Place,
    pods: Place,
    configmaps: Place,
    /// The oldest first.
    tokens: Vec<String>,
    /// What is asked for is a token.
    wants_token: bool,
}

impl Lodger {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        let place = |plural| Place::collection(directory.find("", "v1", plural), "default");
        Self {
            number,
            accounts: place("serviceaccounts"),
            pods: place("pods"),
            configmaps: place("configmaps"),
            tokens: Vec::new(),
            wants_token: false,
        }
    }

    fn request(&mut self, drawn: u64, context: &mut ClientContext<'_>) -> ClientRequest {
        let name = format!("t{}-{}", self.number, context.pick(NAMES));
        let (account, pod) = (self.accounts.named(&name), self.pods.named(&name));
        match drawn {
            0 | 1 => ClientRequest::create(&self.accounts, format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)),
            2 => ClientRequest::create(
                &self.pods,
                format!(
                    r#"{{"metadata":{{"name":"{name}"}},"spec":{{"serviceAccountName":"{name}","containers":[{{"name":"c","image":"i"}}]}}}}"#
                ),
            ),
            3 => ClientRequest::delete(&account, ""),
            4 => ClientRequest::delete(&pod, r#"{"gracePeriodSeconds":0}"#),
            5 | 6 => self.token(context.directory, &account, "{}"),
            7 => {
                let bound =
                    format!(r#"{{"boundObjectRef":{{"apiVersion":"v1","kind":"Pod","name":"{name}"}}}}"#);
                self.token(context.directory, &account, &bound)
            }
            _ => self.visit(context),
        }
    }

    /// Asks for a token of an account.
    fn token(&mut self, directory: &Directory, account: &Place, spec: &str) -> ClientRequest {
        self.wants_token = true;
        let path = format!("{}/token", directory.path(account));
        let body =
            format!(r#"{{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{spec}}}"#);
        let ask = ClientRequest::create(account, body);
        ClientRequest { action: Action::Raw("POST".into(), path), place: None, ..ask }
    }

    /// Reads something with one of the tokens.
    fn visit(&self, context: &mut ClientContext<'_>) -> ClientRequest {
        let name = format!("c{}", context.turn % 5);
        let ask = match context.pick(3) {
            0 => ClientRequest::list(&self.configmaps, RequestOptions::default()),
            _ => ClientRequest::get(&self.configmaps.named(&name)),
        };
        if self.tokens.is_empty() {
            return ask;
        }
        let token = &self.tokens[context.pick(self.tokens.len() as u64) as usize];
        let mut request = ask.to_request(context.directory);
        request.headers.retain(|(name, _)| name != "authorization");
        request.headers.push(("authorization".into(), format!("Bearer {token}")));
        ClientRequest { identity: Identity::Account, original: Some(Arc::new(request)), ..ask }
    }
}

impl Client for Lodger {
    fn kind(&self) -> &'static str {
        "lodger"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.wants_token = false;
        if context.calm {
            return Next::Listen;
        }
        match context.pick(17) {
            0 => Next::Sleep(IDLE_MILLIS),
            drawn => self.request(drawn - 1, context).into(),
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        let token = reading::body(reply).text_at(&["status", "token"]).to_owned();
        if std::mem::take(&mut self.wants_token) && reply.status == 201 && !token.is_empty() {
            if self.tokens.len() >= TOKENS {
                self.tokens.remove(0);
            }
            self.tokens.push(token);
        } else if reply.status == 401 {
            context.mark(Mark::TokenOfTheGone);
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
