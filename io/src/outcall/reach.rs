//! Connects to a server by its name.

use super::reason;
use steersman_core::answer::ADDRESS_NOT_ALLOWED;
use steersman_core::value::ip::is_global_unicast;
use tokio::net::TcpStream;

/// Connects as `server` does, if all addresses of the host are global unicast ones.
pub(super) async fn global_server(host: &str, port: u16) -> Result<TcpStream, String> {
    let mut found = tokio::net::lookup_host((host, port)).await.map_err(|_| reason::unknown(host))?;
    if !found.all(|address| is_global_unicast(address.ip())) {
        return Err(ADDRESS_NOT_ALLOWED.into());
    }
    server(host, port).await
}

/// Connects to the first address of a host that answers. The error is a sentence.
pub(super) async fn server(host: &str, port: u16) -> Result<TcpStream, String> {
    let found = tokio::net::lookup_host((host, port)).await.map_err(|_| reason::unknown(host))?;
    let mut why = reason::unknown(host);
    for address in found {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => why = reason::of_address(address, &error),
        }
    }
    Err(why)
}
