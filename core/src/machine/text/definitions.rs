//! Definitions of kinds as words of a line.

use super::read::{Result, Words};
use super::write::Line;
use crate::config::ReviewVersion;
use crate::kinds::{
    Converter, ConverterTarget, DefinedColumn, DefinedScale, DefinedTypes, DefinedVersion, Definition, Scope,
};
use alloc::sync::Arc;

impl Line<'_> {
    pub(super) fn definition(&mut self, definition: &Definition) -> &mut Self {
        let Definition { group, kind, list_kind, plural, singular, .. } = definition;
        self.text(group).text(kind).text(list_kind).text(plural).text(singular);
        self.word(match definition.scope {
            Scope::Namespaced => "namespaced",
            Scope::Cluster => "cluster",
        });
        self.texts(&definition.short).texts(&definition.categories);
        self.number(definition.versions.len());
        for version in &definition.versions {
            self.defined_version(version);
        }
        self.text(&definition.stored).number(definition.converter.iter().count());
        if let Some(converter) = &definition.converter {
            self.converter(converter);
        }
        self
    }

    fn converter(&mut self, converter: &Converter) {
        self.text(&converter.definition);
        match &converter.target {
            ConverterTarget::Url(url) => self.word("url").text(url),
            ConverterTarget::Service { namespace, name, path, port } => {
                self.word("service").text(namespace).text(name).text(path).number(*port)
            }
        };
        self.bytes(&converter.authorities);
        self.word(converter.review.map_or("none", ReviewVersion::word));
    }

    fn defined_version(&mut self, version: &DefinedVersion) -> &mut Self {
        self.text(&version.name).number(u8::from(version.is_served));
        match &version.types {
            DefinedTypes::Notation(text) => self.word("notation").text(text),
            DefinedTypes::Schema(text) => self.word("schema").text(text),
        };
        self.number(u8::from(version.has_status)).number(version.scale.iter().count());
        if let Some(scale) = &version.scale {
            self.text(&scale.replicas).text(&scale.status_replicas).text(&scale.selector);
        }
        self.texts(&version.fields);
        self.number(version.columns.len());
        for column in &version.columns {
            self.text(&column.name).text(&column.kind).text(&column.format).text(&column.description);
            self.number(column.priority).text(&column.path);
        }
        self.text(&version.deprecation)
    }
}

impl Words<'_> {
    pub(super) fn definition(&mut self) -> Result<Definition> {
        Ok(Definition {
            group: self.text()?,
            kind: self.text()?,
            list_kind: self.text()?,
            plural: self.text()?,
            singular: self.text()?,
            scope: match self.word()? {
                "namespaced" => Scope::Namespaced,
                "cluster" => Scope::Cluster,
                _ => return self.wrong("namespaced or cluster"),
            },
            short: self.list(Self::text)?,
            categories: self.list(Self::text)?,
            versions: self.list(Self::defined_version)?,
            stored: self.text()?,
            converter: match self.number::<u8>()? {
                0 => None,
                _ => Some(Arc::new(self.converter()?)),
            },
        })
    }

    fn converter(&mut self) -> Result<Converter> {
        Ok(Converter {
            definition: self.text()?,
            target: match self.word()? {
                "url" => ConverterTarget::Url(self.text()?),
                "service" => ConverterTarget::Service {
                    namespace: self.text()?,
                    name: self.text()?,
                    path: self.text()?,
                    port: self.number()?,
                },
                _ => return self.wrong("url or service"),
            },
            authorities: self.bytes()?.into(),
            review: match self.word()? {
                "none" => None,
                word => match ReviewVersion::from_word(word) {
                    Some(version) => Some(version),
                    None => return self.wrong("none or a version of reviews"),
                },
            },
        })
    }

    fn defined_version(&mut self) -> Result<DefinedVersion> {
        Ok(DefinedVersion {
            name: self.text()?,
            is_served: self.number::<u8>()? != 0,
            types: match self.word()? {
                "notation" => DefinedTypes::Notation(self.text()?),
                "schema" => DefinedTypes::Schema(self.text()?.as_str().into()),
                _ => return self.wrong("notation or schema"),
            },
            has_status: self.number::<u8>()? != 0,
            scale: match self.number::<u8>()? {
                0 => None,
                _ => Some(DefinedScale {
                    replicas: self.text()?,
                    status_replicas: self.text()?,
                    selector: self.text()?,
                }),
            },
            fields: self.list(Self::text)?,
            columns: self.list(|words| {
                Ok(DefinedColumn {
                    name: words.text()?,
                    kind: words.text()?,
                    format: words.text()?,
                    description: words.text()?,
                    priority: words.number()?,
                    path: words.text()?,
                })
            })?,
            deprecation: self.text()?,
        })
    }
}
