//! librarian: tries the operator of `librarian/` against the server that KUBECONFIG names. It ends with an error when
//! something is not as it should be.

#[path = "../librarian/mod.rs"]
mod librarian;

#[tokio::main]
async fn main() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the only provider");
    let client = kube::Client::try_default().await.expect("a configuration");
    librarian::visit(client, "default").await;
    eprintln!("the operator keeps its custom resources");
}
