//! Descriptions of built-in types for OpenAPI. The program holds them compressed, and they are read when the first
//! document is made.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;

/// Records of a type, a field and a text, each of the three with a zero byte behind it, sorted.
static COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptions.zlib"));

/// Each with the published name of a type, the name of a field, which is empty for the type itself, and the text.
static DESCRIPTIONS: LazyLock<Vec<[&'static str; 3]>> = LazyLock::new(read);

/// What a type is for, or a field of it; an empty field stands for the type itself.
pub(crate) fn describe(type_name: &str, field: &str) -> Option<&'static str> {
    let found = DESCRIPTIONS.binary_search_by(|[held, of, _]| (*held, *of).cmp(&(type_name, field)));
    found.ok().map(|index| DESCRIPTIONS[index][2])
}

fn read() -> Vec<[&'static str; 3]> {
    let mut text = String::new();
    ZlibDecoder::new(COMPRESSED).read_to_string(&mut text).expect("the build has written texts");
    text.shrink_to_fit();
    // It stays as long as the program.
    let words: Vec<&'static str> = text.leak().split_terminator('\0').collect();
    words.chunks_exact(3).map(|record| [record[0], record[1], record[2]]).collect()
}

#[cfg(test)]
mod tests {
    use super::describe;
    use steersman_core::answer::Body;
    use steersman_core::codec::json;
    use steersman_core::documents::openapi;
    use steersman_core::value::Value;
    use steersman_core::wire::{Method, Peer, Request};

    /// The document of a path.
    fn document(path: &str) -> Value {
        let request = Request {
            method: Method::Get,
            path: path.into(),
            query: String::new(),
            headers: Vec::new(),
            has_body: false,
            peer: Peer::None,
            remote_address: "".into(),
        };
        let response = openapi::respond(&crate::registry(), &[], &request, path, None).expect("a document");
        let Body::Full(bytes) = response.body else { panic!("a document is sent whole") };
        json::parse(&bytes).expect("a document is JSON").value
    }

    #[test]
    fn kinds_and_their_fields_are_described() {
        let texts = [
            ("io.k8s.api.core.v1.Pod", ""),
            ("io.k8s.api.core.v1.PodSpec", "containers"),
            ("io.k8s.api.core.v1.ConfigMap", "metadata"),
            ("io.k8s.api.core.v1.ConfigMapList", "kind"),
            ("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "name"),
            ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", ""),
            ("io.k8s.apimachinery.pkg.api.resource.Quantity", ""),
            ("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService", "spec"),
        ];
        for (name, field) in texts {
            assert!(describe(name, field).is_some_and(|text| text.len() > 10), "{name} {field}");
        }
        assert_eq!(describe("io.k8s.api.core.v1.Pod", "none"), None);
        assert_eq!(describe("none", ""), None);
    }

    #[test]
    fn documents_show_what_types_and_fields_are_for() {
        let v3 = document("/openapi/v3/api/v1");
        let of_spec = ["components", "schemas", "io.k8s.api.core.v1.PodSpec"];
        let containers = ["properties", "containers", "description"];
        let text = v3.text_at(&[&of_spec[..], &containers[..]].concat());
        assert!(text.starts_with("List of containers belonging to the pod."), "{text}");
        let v2 = document("/openapi/v2");
        assert_eq!(v2.text_at(&[&["definitions", of_spec[2]][..], &containers[..]].concat()), text);
    }

    /// The others have no description upstream either. Types of lists are left out.
    #[test]
    fn nearly_all_types_and_fields_of_documents_are_described() {
        let v2 = document("/openapi/v2");
        let (mut described, mut bare) = (0, Vec::new());
        let definitions = v2.field("definitions").and_then(Value::as_map).expect("definitions");
        for (name, schema) in definitions.iter().filter(|(name, _)| !name.ends_with("List")) {
            let fields = schema.field("properties").and_then(Value::as_map);
            let fields = fields.into_iter().flat_map(|fields| fields.iter());
            for (field, schema) in
                [("", schema)].into_iter().chain(fields.map(|(name, of)| (name.as_str(), of)))
            {
                if schema.text_at(&["description"]).is_empty() {
                    bare.push(format!("{name} {field}"));
                } else {
                    described += 1;
                }
            }
        }
        assert!(described > 2500 && bare.len() < 50, "{described} are described, not {bare:#?}");
    }
}
