//! Kinds that come and go while servers run, each time with a schema of its own, and sometimes with a second version
//! that a converter makes of the first; and what servers serve of the definition that clients write.

use super::Testbed;
use crate::check::{DEFINITION, Guarantee, ServedLevels, Violation};
use crate::choose::ChoiceStream;
use crate::client_request::ClientRequest;
use crate::marks::Mark;
use crate::trace::Lane;
use std::sync::Arc;
use steersman_core::config::{JobId, ReviewVersion};
use steersman_core::kinds::{
    Converter, ConverterTarget, DefinedColumn, DefinedTypes, DefinedVersion, Definition, Scope,
};
use steersman_core::machine::{Input, KIND_GONE};
use steersman_core::now::Mono;

pub(crate) const GROUP: &str = "example.com";
pub(crate) const PLURAL: &str = "widgets";
/// Where clients find the objects of the kind.
pub(crate) const PLACE: &str = "/apis/example.com/v1/namespaces/default/widgets";
/// Where they find them in the second version, in which a color is a shade.
pub(crate) const OTHER_PLACE: &str = "/apis/example.com/v2/namespaces/default/widgets";
/// Who converts between the two.
pub(crate) const CONVERTER: &str = "converter.test";

/// Fields that one schema has and another lacks.
const FIELDS: [&str; 4] = [
    " size - int64 o",
    " color - string o default=\"red\"",
    " tags - [string] o list=set",
    " parts - map<WidgetPart> o",
];

/// Schemas from here on have the second version.
const CONVERTED: u64 = 1 << FIELDS.len();

/// The types of the first version with one of several schemas; 0 is the plainest.
fn types(schema: u64) -> String {
    let mut types =
        String::from("com.example.v1.Widget kind=example.com\n metadata - meta.v1.ObjectMeta o\n");
    types.push_str(" spec - WidgetSpec o\n status - WidgetStatus o\ncom.example.v1.WidgetSpec");
    for field in
        FIELDS.iter().enumerate().filter(|(index, _)| schema >> index & 1 == 1).map(|(_, field)| field)
    {
        types.push('\n');
        types.push_str(field);
    }
    types.push_str(
        "\ncom.example.v1.WidgetStatus\n phase - string o\ncom.example.v1.WidgetPart\n name - string r",
    );
    types
}

/// The kind with one of several schemas.
fn definition(schema: u64) -> Definition {
    let of_first = types(schema);
    let of_other = of_first.replace("com.example.v1.", "com.example.v2.").replace(" color ", " shade ");
    let mut versions = vec![version("v1", of_first, "color", schema)];
    let converter = (schema >= CONVERTED).then(|| {
        versions.insert(0, version("v2", of_other, "shade", schema));
        Arc::new(Converter {
            definition: "widgets.example.com".into(),
            target: ConverterTarget::Url(format!("https://{CONVERTER}/convert").into()),
            authorities: "PEM".into(),
            review: Some(ReviewVersion::V1),
        })
    });
    Definition {
        group: GROUP.into(),
        kind: "Widget".into(),
        list_kind: "WidgetList".into(),
        plural: PLURAL.into(),
        singular: "widget".into(),
        scope: Scope::Namespaced,
        short: vec!["wd".into()],
        categories: Vec::new(),
        versions,
        stored: "v1".into(),
        converter,
    }
}

fn version(name: &str, types: String, field: &str, schema: u64) -> DefinedVersion {
    let path = format!("spec.{field}");
    DefinedVersion {
        name: name.into(),
        is_served: true,
        types: DefinedTypes::Notation(types.into()),
        has_status: schema & 1 == 1,
        scale: None,
        fields: vec![path.as_str().into()],
        columns: vec![DefinedColumn {
            name: "Color".into(),
            kind: "string".into(),
            format: "".into(),
            description: "Its color.".into(),
            priority: 0,
            path: format!(".{path}").into(),
        }],
        deprecation: "".into(),
    }
}

impl Testbed {
    /// A server begins to serve the kind, or serves it no longer.
    pub(super) fn change_kind(&mut self, server: usize, stream: ChoiceStream) -> Result<(), Violation> {
        let host = &self.hosts[server];
        let Some(machine) = &host.machine else { return Ok(()) };
        let (is_served, life) = (machine.world().registry.custom(GROUP, PLURAL).is_some(), host.life);
        let schema = self.chooser.pick(stream, CONVERTED * 2);
        let input = if is_served {
            self.fault(Lane::Server(server), || "the kind goes".to_owned());
            Input::Withdraw { group: GROUP.into(), plural: PLURAL.into() }
        } else {
            self.fault(Lane::Server(server), || format!("the kind comes with schema {schema}"));
            Input::Serve(Box::new(definition(schema)))
        };
        self.input(server, life, Box::new(input))
    }

    /// Checks after a server stopped to serve the kind that no watch of it is open there.
    pub(super) fn check_watches_of_kind(&mut self, server: usize) -> Result<(), Violation> {
        let is_watch = |id: &&JobId| {
            let call = self.requests.get(**id);
            let is_of_kind = |ask: &ClientRequest| ask.is_raw_watch(PLACE) || ask.is_raw_watch(OTHER_PLACE);
            call.is_some_and(|call| call.answered && is_of_kind(&call.ask))
        };
        match self.hosts[server].open.iter().find(is_watch) {
            None => Ok(()),
            Some(id) => {
                let detail = format!("watch {} of server {server} is open", id.0);
                Err(Violation::new(Guarantee::WatchesEndWithTheirKind, detail))
            }
        }
    }

    /// Notes what a server serves from now on of the definition that its authors change.
    pub(super) fn note_levels(&mut self, server: usize, resource: &str) {
        let host = &mut self.hosts[server];
        if let Some(machine) = host.machine.as_ref().filter(|_| resource == DEFINITION) {
            host.levels.push((self.now, ServedLevels::of_world(machine.world())));
        }
    }

    /// What a server has served of that definition since a time, in this life.
    pub(super) fn levels_since(&self, server: usize, since: Mono) -> Vec<ServedLevels> {
        let held = &self.hosts[server].levels;
        let first = held.partition_point(|(from, _)| *from <= since).saturating_sub(1);
        held[first..].iter().map(|(_, levels)| levels.clone()).collect()
    }

    /// Notes that a watch ended because its kind went.
    pub(super) fn note_ended_with_kind(&mut self, why: &str) {
        if why == KIND_GONE {
            self.mark(Mark::WatchedKindGone);
        }
    }
}
