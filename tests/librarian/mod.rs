//! An operator with a custom resource and webhooks of its own, written with kube-rs: against the server in process and
//! in a simulated cluster here, and against a server with sockets by `examples/librarian.rs`.

mod controller;
mod shelf;
mod visit;
mod webhook;

#[cfg(test)]
mod simulated;

#[cfg(not(test))]
pub(crate) use visit::{Webhooks, visit};
#[cfg(not(test))]
pub(crate) use webhook::answer;

#[cfg(test)]
mod in_process {
    use super::visit::{Webhooks, visit};
    use super::webhook;
    use kube::Client;
    use steersman_io::in_process::InProcess;

    #[tokio::test(start_paused = true)]
    async fn an_operator_keeps_its_custom_resources() {
        let server = InProcess::start(1).await;
        server.answer_for("librarian.test", |request| async move { webhook::answer(&request) });
        let webhooks = Webhooks { base: "https://librarian.test".into(), ca_bundle: None };
        visit(Client::new(server.service(), "default"), "default", &webhooks).await;
    }
}
