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

/// A cluster of etcd.
#[cfg(feature = "etcd")]
async fn connect(flags: &Flags, endpoints: &[String]) -> Result<Arc<dyn Store>, String> {
    use steersman_io::store::etcd::{EtcdConfig, EtcdStore};
    let file =
        |name: &str| Some(flags.text(name)).filter(|path| !path.is_empty()).map(std::path::PathBuf::from);
    let config = EtcdConfig {
        ca_file: file("etcd-cafile"),
        certificate_file: file("etcd-certfile"),
        key_file: file("etcd-keyfile"),
        ..EtcdConfig::new(endpoints.to_vec())
    };
    Ok(Arc::new(EtcdStore::connect(&config).await.map_err(|error| error.to_string())?))
}

/// This build has no client of etcd, so a server that is to use one does not start.
#[cfg(not(feature = "etcd"))]
async fn connect(_flags: &Flags, _endpoints: &[String]) -> Result<Arc<dyn Store>, String> {
    Err("this executable was built without the feature `etcd`".into())
}
