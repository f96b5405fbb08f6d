//! The webhook that converts the objects of a definition between its versions, as the definition names it.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go

use crate::codec::base64;
use crate::config::ReviewVersion;
use crate::value::{Text, Value};
use bytes::Bytes;

/// A converter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converter {
    /// The name of the definition.
    pub definition: Text,
    pub target: ConverterTarget,
    /// The certificates of the authorities that it is trusted by, as PEM; empty for none but the system's.
    pub authorities: Bytes,
    /// The first version of reviews that it takes and that is known here.
    pub review: Option<ReviewVersion>,
}

/// Where a converter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConverterTarget {
    Url(Text),
    Service { namespace: Text, name: Text, path: Text, port: u16 },
}

impl Converter {
    /// The converter of a definition of apiextensions.k8s.io/v1; None if versions differ in their names only.
    pub(super) fn of_object(definition: &Value) -> Option<Self> {
        let conversion = definition.at(&["spec", "conversion"])?;
        if conversion.text_at(&["strategy"]) != "Webhook" {
            return None;
        }
        let client = conversion.at(&["webhook", "clientConfig"])?;
        let target = match client.field("service").filter(|service| !service.is_null()) {
            Some(service) => ConverterTarget::Service {
                namespace: service.text_at(&["namespace"]).into(),
                name: service.text_at(&["name"]).into(),
                path: service.text_at(&["path"]).into(),
                port: service
                    .field("port")
                    .and_then(Value::as_int)
                    .and_then(|port| u16::try_from(port).ok())
                    .unwrap_or(443),
            },
            None => ConverterTarget::Url(client.text_at(&["url"]).into()),
        };
        let authorities = base64::decode(client.text_at(&["caBundle"])).unwrap_or_default();
        // White space alone counts as no bundle.
        let is_blank = authorities.iter().all(u8::is_ascii_whitespace);
        let versions = conversion.at(&["webhook", "conversionReviewVersions"]);
        let versions = versions.and_then(Value::as_list).unwrap_or_default();
        Some(Self {
            definition: definition.text_at(&["metadata", "name"]).into(),
            target,
            authorities: if is_blank { Bytes::new() } else { authorities.into() },
            review: versions.iter().filter_map(Value::as_str).find_map(ReviewVersion::from_word),
        })
    }
}
