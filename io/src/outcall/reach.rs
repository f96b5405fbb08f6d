//! Connects to a server by its name.

use super::reason;
use tokio::net::TcpStream;

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
