//! What can be given to a running server: client certificates for its calls, other authorizers.

use std::sync::Arc;

use steersman_core::config::{Authorizer, JwtIssuer, TrustedClients};
use steersman_core::machine::Input;
use steersman_core::value::Text;

use crate::certificates::Issued;
use crate::shell::Shell;

impl Shell {
    /// Gives the server client certificates for calls that name them. One of a name that is known replaces the other.
    pub fn call_with(&self, certificates: Vec<(Text, Issued)>) {
        self.outcalls().add_certificates(certificates);
    }

    /// The tokens of other issuers are credentials from here on.
    pub fn take_tokens_of(self: &Arc<Self>, issuers: Vec<JwtIssuer>) {
        self.turn(None, Input::JwtIssuers(issuers));
    }

    /// Other API servers are told from here on to trust these clients.
    pub fn tell_trusted(self: &Arc<Self>, trusted: TrustedClients) {
        self.turn(None, Input::TrustedClients(Box::new(trusted)));
    }

    /// Others decide from here on what callers may do.
    pub fn authorize_by(self: &Arc<Self>, authorizers: Vec<Authorizer>) {
        self.turn(None, Input::Authorizers(authorizers));
    }
}
