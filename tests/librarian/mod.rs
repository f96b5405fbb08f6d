//! An operator with a custom resource of its own, written with kube-rs: against the server in process here, and against
//! one with sockets by `examples/librarian.rs`.

mod controller;
mod shelf;
mod visit;

pub(crate) use visit::visit;

#[cfg(test)]
mod in_process {
    use kube::Client;
    use steersman_io::in_process::InProcess;

    #[tokio::test(start_paused = true)]
    async fn an_operator_keeps_its_custom_resources() {
        let server = InProcess::start(1).await;
        super::visit(Client::new(server.service(), "default"), "default").await;
    }
}
