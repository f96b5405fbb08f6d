//! Opens what the server keeps objects in.

use super::options::Storage;
use crate::flags::Flags;
use std::sync::Arc;
use steersman_io::store::Store;
use steersman_io::store::embedded::{Embedded, Sizes};

/// One store for each feed.
pub(super) async fn open(flags: &Flags, storage: &Storage) -> Result<Vec<Arc<dyn Store>>, String> {
    match storage {
        Storage::Embedded(directory) => {
            let store = Embedded::open(directory, Sizes::default())
                .map_err(|error| format!("{}: {error}", directory.display()))?;
            Ok(vec![Arc::new(store)])
        }
        Storage::Memory => Ok(vec![Arc::new(Embedded::in_memory().map_err(|error| error.to_string())?)]),
        Storage::Etcd(clusters) => {
            let mut stores = Vec::new();
            for endpoints in clusters {
                let store = connect(flags, endpoints).await;
                stores.push(store.map_err(|error| format!("--etcd-servers: {error}"))?);
            }
            Ok(stores)
        }
    }
}

/// Whether the store could be asked with what the flags say of it. Nobody is asked, and nothing is read but the files
/// that flags name. Must be called inside a tokio runtime.
pub(super) fn check(flags: &Flags, storage: &Storage) -> Result<(), String> {
    let clusters = match storage {
        Storage::Embedded(_) | Storage::Memory => return Ok(()),
        Storage::Etcd(clusters) => clusters,
    };
    clusters
        .iter()
        .try_for_each(|endpoints| check_cluster(flags, endpoints))
        .map_err(|error| format!("--etcd-servers: {error}"))
}

/// How one cluster is reached, of which these are members.
#[cfg(feature = "etcd")]
fn etcd_config(flags: &Flags, endpoints: &[String]) -> steersman_io::store::etcd::EtcdConfig {
    use steersman_io::store::etcd::EtcdConfig;
    let file =
        |name: &str| Some(flags.text(name)).filter(|path| !path.is_empty()).map(std::path::PathBuf::from);
    EtcdConfig {
        ca_file: file("etcd-cafile"),
        certificate_file: file("etcd-certfile"),
        key_file: file("etcd-keyfile"),
        ..EtcdConfig::new(endpoints.to_vec())
    }
}

/// A cluster of etcd.
#[cfg(feature = "etcd")]
async fn connect(flags: &Flags, endpoints: &[String]) -> Result<Arc<dyn Store>, String> {
    let store = steersman_io::store::etcd::EtcdStore::connect(&etcd_config(flags, endpoints)).await;
    Ok(Arc::new(store.map_err(|error| error.to_string())?))
}

#[cfg(feature = "etcd")]
fn check_cluster(flags: &Flags, endpoints: &[String]) -> Result<(), String> {
    etcd_config(flags, endpoints).check().map_err(|error| error.to_string())
}

/// What a build without a client of etcd says.
#[cfg(not(feature = "etcd"))]
const NO_CLIENT: &str = "this executable was built without the feature `etcd`";

/// A server that is to use etcd does not start.
#[cfg(not(feature = "etcd"))]
async fn connect(_flags: &Flags, _endpoints: &[String]) -> Result<Arc<dyn Store>, String> {
    Err(NO_CLIENT.into())
}

#[cfg(not(feature = "etcd"))]
fn check_cluster(_flags: &Flags, _endpoints: &[String]) -> Result<(), String> {
    Err(NO_CLIENT.into())
}
