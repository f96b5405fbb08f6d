//! How the server reaches kubelets and the servers of aggregated APIs, as words of the configuration's line.

use super::read::{LineError, Words};
use super::write::Line;
use crate::config::{Aggregation, KubeletClient};

impl Line<'_> {
    pub(super) fn kubelet(&mut self, client: &KubeletClient) -> &mut Self {
        let KubeletClient { preferred_address_types, port, authorities, client_certificate } = client;
        self.texts(preferred_address_types).number(port).bytes(authorities).text(client_certificate)
    }

    pub(super) fn aggregation(&mut self, aggregation: &Aggregation) -> &mut Self {
        let Aggregation { client_certificate, routes_to_endpoints } = aggregation;
        self.text(client_certificate).number(u8::from(*routes_to_endpoints))
    }
}

impl Words<'_> {
    pub(super) fn kubelet(&mut self) -> Result<KubeletClient, LineError> {
        Ok(KubeletClient {
            preferred_address_types: self.list(Self::text)?,
            port: self.number()?,
            authorities: self.bytes()?.into(),
            client_certificate: self.text()?,
        })
    }

    pub(super) fn aggregation(&mut self) -> Result<Aggregation, LineError> {
        Ok(Aggregation { client_certificate: self.text()?, routes_to_endpoints: self.number::<u8>()? != 0 })
    }
}
