//! A ConversionReview: the question, and the check of the answer. A converter may change all of an object but its
//! identity; of its metadata only labels and annotations are taken.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go

use crate::codec::json;
use crate::config::ReviewVersion;
use crate::kinds::metadata::{validate_annotations, validate_labels};
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Converter, Kind};
use crate::museum::{Flaw, Mutant};
use crate::review;
use crate::value::{Map, Text, Value, object, quoted};
use crate::wire::{CallOutcome, Called};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const GROUP: &str = "apiextensions.k8s.io";
const KIND: &str = "ConversionReview";

/// Objects that a converter is asked for in one version. There is at least one, and none of them is in that version.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) uid: Text,
    /// `group/version`.
    pub(crate) desired: Text,
    pub(crate) objects: Vec<Value>,
}

impl Review {
    /// The body of the request.
    ///
    /// # Errors
    /// The converter takes no version of reviews that is known here.
    pub(crate) fn body(&self, converter: &Converter) -> Result<Vec<u8>, String> {
        let version = converter.review.ok_or("no supported conversion review versions")?;
        let mut request = Map::new();
        request.insert("uid", self.uid.clone().into());
        request.insert("desiredAPIVersion", self.desired.clone().into());
        request.insert("objects", Value::list(self.objects.clone()));
        let mut result = Map::new();
        result.insert("metadata", Value::empty_map());
        let mut response = Map::new();
        response.insert("uid", "".into());
        response.insert("convertedObjects", Value::Null);
        response.insert("result", result.into());
        let mut review = Value::empty_map();
        let api_version = format!("{GROUP}/{}", version.word());
        object::set_api_version_and_kind(&mut review, &api_version, KIND);
        review.set("request", request.into());
        review.set("response", response.into());
        let mut out = json::to_vec(&review);
        out.push(b'\n');
        Ok(out)
    }
}

/// What a converter has made of the objects of a review: one for each, in their order, or why it is not taken. The
/// outer error is of all of them.
///
/// # Errors
/// The sentence that a client sees.
pub(crate) fn answered(
    asked: &Review,
    (converter, to): (&Converter, &Kind),
    called: &Called,
    flaw: Flaw,
) -> Result<Vec<Result<Value, String>>, String> {
    let failed = |why: String| {
        let first = asked.objects.first().map_or_else(String::new, shown_kind);
        format!("conversion webhook for {first} {why}")
    };
    check_type(called, converter).map_err(|why| failed(format!("failed: {why}")))?;
    let answer = review::answered(called, KIND, GROUP).map_err(|why| failed(format!("failed: {why}")))?;
    let objects =
        converted_objects(&answer, converter, asked).map_err(|why| failed(format!("failed: {why}")))?;
    if objects.len() != asked.objects.len() {
        let (got, wanted) = (objects.len(), asked.objects.len());
        return Err(failed(format!("returned {got} objects, expected {wanted}")));
    }
    let taken = asked.objects.iter().zip(objects).map(|(original, converted)| match converted.as_map() {
        None => Err("unexpected end of JSON input".to_string()),
        Some(_) if object::kind(converted).is_empty() => {
            Err(format!("Object 'Kind' is missing in '{}'", json::to_string(converted)))
        }
        Some(_) if flaw.is(Mutant::ConverterTrusted) => Ok(converted.clone()),
        Some(_) => taken(original, converted.clone(), to)
            .map_err(|why| format!("conversion webhook for {} {why}", shown_kind(original))),
    });
    Ok(taken.collect())
}

/// Checks that what a converter has answered can be a review at all, as upstream's decoder does.
fn check_type(called: &Called, converter: &Converter) -> Result<(), String> {
    let Some(answer) = json::parse(&called.body).ok().filter(|_| called.status == 200) else { return Ok(()) };
    let (api_version, kind) = (object::api_version(&answer.value), object::kind(&answer.value));
    if api_version.is_empty() || kind.is_empty() {
        return Ok(());
    }
    let wanted = converter.review.map_or("", ReviewVersion::word);
    let is_review = kind == KIND && api_version == format!("{GROUP}/{wanted}");
    if is_review {
        return Ok(());
    }
    let is_known = (api_version, kind) == ("v1", "Status")
        || kind == KIND
            && api_version.strip_prefix(GROUP).is_some_and(|rest| matches!(rest, "/v1" | "/v1beta1"));
    let version = api_version.rsplit('/').next().unwrap_or_default();
    Err(match is_known {
        true => format!("converting ({version}.{kind}) to ({wanted}.{KIND}): unknown conversion"),
        false => format!(
            "no kind {} is registered for version {} in scheme \"k8s.io/apiserver/pkg/util/webhook/client.go:71\"",
            quoted(kind),
            quoted(api_version)
        ),
    })
}

/// The sentence about a converter that has given no answer.
pub(crate) fn unanswered(original: &Value, why: &str) -> String {
    format!("conversion webhook for {} failed: {why}", shown_kind(original))
}

/// `example.com/v1, Kind=Widget`.
fn shown_kind(value: &Value) -> String {
    format!("{}, Kind={}", object::api_version(value), object::kind(value))
}

fn converted_objects<'a>(
    answer: &'a Value,
    converter: &Converter,
    asked: &Review,
) -> Result<&'a [Value], String> {
    let is_v1 = converter.review == Some(ReviewVersion::V1);
    if is_v1 && (object::api_version(answer), object::kind(answer)) != ("apiextensions.k8s.io/v1", KIND) {
        let (group, version) =
            object::api_version(answer).rsplit_once('/').unwrap_or(("", object::api_version(answer)));
        return Err(format!(
            "expected webhook response of {GROUP}/v1, Kind={KIND}, got {group}/{version}, Kind={}",
            object::kind(answer)
        ));
    }
    let response = answer.field("response").filter(|response| !response.is_null());
    let response = response.ok_or("no response provided")?;
    let uid = response.text_at(&["uid"]);
    if is_v1 && uid != asked.uid.as_str() {
        return Err(format!("expected response.uid={}, got {}", quoted(&asked.uid), quoted(uid)));
    }
    let status = response.text_at(&["result", "status"]);
    if status != "Success" {
        return Err(match response.text_at(&["result", "message"]) {
            "" => format!("response.result.status was '{status}', not 'Success'"),
            message => message.to_string(),
        });
    }
    Ok(response.field("convertedObjects").and_then(Value::as_list).unwrap_or_default())
}

/// A converted object as it is taken. It has the metadata of the original, but for labels and annotations.
fn taken(original: &Value, mut converted: Value, to: &Kind) -> Result<Value, String> {
    let whole = |why: String| format!("returned invalid object: {why}");
    let at_index = |why: String| format!("returned invalid object at index 0: {why}");
    let (wanted, got) = (to.group_version(), object::api_version(&converted));
    if got != wanted {
        return Err(at_index(format!("invalid groupVersion (expected {wanted}, received {got})")));
    }
    let (wanted, got) = (object::kind(original), object::kind(&converted));
    if got != wanted {
        return Err(at_index(format!("invalid kind (expected {wanted}, received {got})")));
    }
    let facts = |value| [object::name(value), object::namespace(value), object::uid(value)].map(String::from);
    let same = ["name", "namespace", "UID"].into_iter().zip(facts(original)).zip(facts(&converted));
    for ((word, wanted), got) in same {
        if wanted != got {
            return Err(whole(format!("must have the same {word}: {wanted} != {got}")));
        }
    }
    restore_metadata(original, &mut converted).map_err(|why| format!("returned invalid metadata: {why}"))?;
    Ok(converted)
}

fn restore_metadata(original: &Value, converted: &mut Value) -> Result<(), String> {
    let answered = converted.field("metadata").cloned().ok_or("missing metadata in converted object")?;
    if answered.as_map().is_none() {
        return Err(format!("invalid metadata of type {} in converted object", answered.go_type()));
    }
    let mut metadata = original.field("metadata").cloned().unwrap_or_else(Value::empty_map);
    for name in ["labels", "annotations"] {
        let Some(texts) = answered.field(name).filter(|texts| !texts.is_null()) else {
            metadata.remove_at(&[name]);
            continue;
        };
        let Some(map) = texts.as_map() else {
            return Err(format!("invalid metadata.{name} of type {} in converted object", texts.go_type()));
        };
        for (key, value) in map.iter() {
            if value.as_str().is_none() {
                let found = value.go_type();
                return Err(format!(
                    "metadata.{name}[{key}] must be a string, but is {found} in converted object"
                ));
            }
        }
        if metadata.field(name) != Some(texts) {
            check_texts(name, texts)?;
        }
        metadata.set(name, texts.clone());
    }
    converted.set("metadata", metadata);
    Ok(())
}

fn check_texts(name: &str, texts: &Value) -> Result<(), String> {
    let mut metadata = Value::empty_map();
    metadata.set(name, texts.clone());
    let mut holder = Value::empty_map();
    holder.set("metadata", metadata);
    let root = Located::root(&holder);
    let mut errors = Errors::new();
    let at = root.member("metadata");
    match name {
        "labels" => validate_labels(&at.member("labels"), &mut errors),
        _ => validate_annotations(&at.member("annotations").shown_as("annotation"), &mut errors),
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.summary()) }
}

/// What came of the call for a review: as `answered`, and the same error for each object without an answer.
pub(crate) fn outcome(
    asked: &Review,
    (converter, to): (&Converter, &Kind),
    (outcome, flaw): (&CallOutcome, Flaw),
    no_answer: impl Fn(&crate::wire::CallError) -> String,
) -> Vec<Result<Value, String>> {
    let found = match outcome {
        Ok(called) => answered(asked, (converter, to), called, flaw),
        Err(error) => {
            Err(asked.objects.first().map_or_else(String::new, |first| unanswered(first, &no_answer(error))))
        }
    };
    match found {
        Ok(objects) => objects,
        Err(why) => asked.objects.iter().map(|_| Err(why.clone())).collect(),
    }
}
