//! The table of the kinds of clients, from which a run draws its own.

use super::Client;
use super::accountant::Accountant;
use super::applicant::Applicant;
use super::co_writer::CoWriter;
use super::collector::Collector;
use super::customer::Customer;
use super::definition_author::DefinitionAuthor;
use super::deputy::Deputy;
use super::drainer::Drainer;
use super::elector::Elector;
use super::kubelet::Kubelet;
use super::lodger::Lodger;
use super::migrator::Migrator;
use super::namespace_deleter::NamespaceDeleter;
use super::petitioner::Petitioner;
use super::policy_author::PolicyAuthor;
use super::probe::Probe;
use super::publisher::Publisher;
use super::raw::Raw;
use super::recorder::EventRecorder;
use super::reflector::Reflector;
use super::restricted::Restricted;
use super::stranger::Stranger;
use super::tenant::Tenant;
use super::updater::Updater;
use super::watch_list::WatchList;
use super::workload::Workload;
use super::writer::Writer;
use crate::directory::Directory;

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientKind {
    Writer,
    Reflector,
    Updater,
    WatchList,
    Workload,
    Elector,
    Recorder,
    Probe,
    Raw,
    Stranger,
    Collector,
    NamespaceDeleter,
    Migrator,
    Restricted,
    Customer,
    Drainer,
    CoWriter,
    Publisher,
    Tenant,
    Accountant,
    Deputy,
    Lodger,
    Applicant,
    Kubelet,
    PolicyAuthor,
    Petitioner,
    DefinitionAuthor,
}

/// How a run draws clients of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientClass {
    /// Needed in most runs: without these clients there is nothing that guarantees could be checked on.
    Mandatory,
    Optional,
    /// Repairs states that a bug may need in order to show, so many runs are without them.
    Suppressing,
}

impl ClientKind {
    pub const ALL: &'static [Self] = &[
        Self::Writer,
        Self::Reflector,
        Self::Updater,
        Self::WatchList,
        Self::Workload,
        Self::Elector,
        Self::Recorder,
        Self::Probe,
        Self::Raw,
        Self::Stranger,
        Self::Collector,
        Self::NamespaceDeleter,
        Self::Migrator,
        Self::Restricted,
        Self::Customer,
        Self::Drainer,
        Self::CoWriter,
        Self::Publisher,
        Self::Tenant,
        Self::Accountant,
        Self::Deputy,
        Self::Lodger,
        Self::Applicant,
        Self::Kubelet,
        Self::PolicyAuthor,
        Self::Petitioner,
        Self::DefinitionAuthor,
    ];

    /// The name in the line that describes a run.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Reflector => "reflector",
            Self::Updater => "updater",
            Self::WatchList => "watch-list",
            Self::Workload => "workload",
            Self::Elector => "elector",
            Self::Recorder => "recorder",
            Self::Probe => "probe",
            Self::Raw => "raw",
            Self::Stranger => "stranger",
            Self::Collector => "collector",
            Self::NamespaceDeleter => "namespace-deleter",
            Self::Migrator => "migrator",
            Self::Restricted => "restricted",
            Self::Customer => "customer",
            Self::Drainer => "drainer",
            Self::CoWriter => "co-writer",
            Self::Publisher => "publisher",
            Self::Tenant => "tenant",
            Self::Accountant => "accountant",
            Self::Deputy => "deputy",
            Self::Lodger => "lodger",
            Self::Applicant => "applicant",
            Self::Kubelet => "kubelet",
            Self::PolicyAuthor => "policy-author",
            Self::Petitioner => "petitioner",
            Self::DefinitionAuthor => "definition-author",
        }
    }

    pub const fn class(self) -> ClientClass {
        match self {
            Self::Writer | Self::Reflector => ClientClass::Mandatory,
            Self::Updater
            | Self::WatchList
            | Self::Workload
            | Self::Elector
            | Self::Recorder
            | Self::Probe
            | Self::Raw
            | Self::Stranger
            | Self::Migrator
            | Self::Restricted
            | Self::Customer
            | Self::Drainer
            | Self::CoWriter
            | Self::Publisher
            | Self::Tenant
            | Self::Accountant
            | Self::Deputy
            | Self::Lodger
            | Self::Applicant
            | Self::Kubelet
            | Self::PolicyAuthor
            | Self::Petitioner
            | Self::DefinitionAuthor => ClientClass::Optional,
            Self::Collector | Self::NamespaceDeleter => ClientClass::Suppressing,
        }
    }

    /// Makes a client of this kind. `number` distinguishes it from all other clients of the run.
    pub fn make(self, directory: &Directory, number: u64) -> Box<dyn Client> {
        match self {
            Self::Writer => Box::new(Writer::new(directory, number)),
            Self::Reflector => Box::new(Reflector::new()),
            Self::Updater => Box::new(Updater::new(directory, number)),
            Self::WatchList => Box::new(WatchList::new()),
            Self::Workload => Box::new(Workload::new(directory, number)),
            Self::Elector => Box::new(Elector::new(directory, number)),
            Self::Recorder => Box::new(EventRecorder::new(directory, number)),
            Self::Probe => Box::new(Probe::new(directory, number)),
            Self::Raw => Box::new(Raw::new()),
            Self::Stranger => Box::new(Stranger::new()),
            Self::Collector => Box::new(Collector::new(directory)),
            Self::NamespaceDeleter => Box::new(NamespaceDeleter::new(directory)),
            Self::Migrator => Box::new(Migrator::new(directory)),
            Self::Restricted => Box::new(Restricted::new(directory)),
            Self::Customer => Box::new(Customer::new(number)),
            Self::Drainer => Box::new(Drainer::new(number)),
            Self::CoWriter => Box::new(CoWriter::new(directory, number)),
            Self::Publisher => Box::new(Publisher::new()),
            Self::Tenant => Box::new(Tenant),
            Self::Accountant => Box::new(Accountant::default()),
            Self::Deputy => Box::new(Deputy::new(directory)),
            Self::Lodger => Box::new(Lodger::new(directory, number)),
            Self::Applicant => Box::new(Applicant),
            Self::Kubelet => Box::new(Kubelet::new(directory, number)),
            Self::PolicyAuthor => Box::new(PolicyAuthor::new(directory)),
            Self::Petitioner => Box::new(Petitioner::new(directory)),
            Self::DefinitionAuthor => Box::new(DefinitionAuthor::new(directory)),
        }
    }
}
