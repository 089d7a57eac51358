//! Event streams read over HTTP: the user agent's side of HTML §9.2, on behalf of a handset that is asleep (§9.2.8).
//!
//! [`SseUpstreams`] runs one task per source: connect ([`Resolve`], guard, TLS), ask, judge the answer, then read for
//! as long as there is credit. It sends what it finds to the source and remembers nothing but the last event id and
//! the reconnection time. Left out: proxies, cookies, HTTP authentication other than a bearer token, content codings.

mod address;
mod body;
mod connect;
mod connection;
mod frames;
mod http1;
mod reader;
mod reconnection;
mod request;
mod response;
mod settings;
mod threads;
mod watchdog;

pub use address::{Resolve, Resolving, SystemResolver};
pub use settings::{BearerToken, SettingsError, SseSettings};

use crate::actors::admission::Door;
use crate::actors::port::Port;
use crate::actors::upstream::{Cause, Outage, ResumePoint, UpstreamFact, UpstreamHandle, Upstreams};
use crate::model::{CredentialRef, SourceId, SourceOrigin};
use connect::Connector;
use http::HeaderValue;
use parking_lot::Mutex;
use reader::{Reader, Reading};
use reconnection::Reconnection;
use request::{Requester, Target};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use threads::Threads;

/// Opens event streams over HTTP/1.1 and HTTP/2.
pub struct SseUpstreams {
    settings: SseSettings,
    reading: Reading,
    requester: Arc<Requester>,
    authorizations: HashMap<CredentialRef, HeaderValue>,
    random: Mutex<fastrand::Rng>,
    threads: Threads,
}

impl SseUpstreams {
    /// Upstreams as `settings` ask for, resolved by the operating system.
    ///
    /// # Errors
    /// When a certificate, a token or the user agent in `settings` cannot be used, or there is no thread to be had.
    pub fn new(settings: SseSettings) -> Result<Self, SettingsError> {
        Self::with_resolver(settings, Arc::new(SystemResolver))
    }

    /// Upstreams whose hosts `resolver` finds; the guard judges its answers all the same.
    ///
    /// # Errors
    /// As [`SseUpstreams::new`].
    pub fn with_resolver(settings: SseSettings, resolver: Arc<dyn Resolve>) -> Result<Self, SettingsError> {
        let requester = Requester {
            connector: Connector::new(&settings, resolver)?,
            user_agent: settings.user_agent_header()?,
            head_timeout: settings.head_timeout,
            max_redirects: settings.max_redirects,
        };
        Ok(Self {
            reading: Reading::new(&settings),
            requester: Arc::new(requester),
            authorizations: settings.authorizations()?,
            random: Mutex::new(settings.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)),
            threads: Threads::start(settings.threads)
                .map_err(|error| SettingsError::Threads { reason: error.to_string() })?,
            settings,
        })
    }

    /// What `source` is opened with.
    ///
    /// # Errors
    /// Why it cannot be opened at all.
    fn target(&self, source: &SourceId) -> Result<Target, String> {
        let SourceOrigin::Url(url) = source.origin() else {
            return Err("a feed has no upstream".to_owned());
        };
        let authorization = match source.credential() {
            Some(name) => match self.authorizations.get(name) {
                Some(authorization) => Some(authorization.clone()),
                None => return Err(format!("credential {name} is not configured")),
            },
            None => None,
        };
        Ok(Target { url: url.clone(), authorization })
    }
}

impl Upstreams for SseUpstreams {
    /// Spawns the reader, on the current runtime unless readers have threads of their own.
    fn open(&self, source: &SourceId, resume: ResumePoint, door: Door, facts: Port<UpstreamFact>) -> UpstreamHandle {
        let target = match self.target(source) {
            Ok(target) => target,
            Err(reason) => {
                let outage = Outage::new(Cause::House, reason);
                let ended = async move { facts.send(UpstreamFact::Ended { outage }) };
                return UpstreamHandle::new(tokio::spawn(ended));
            }
        };
        let random = self.random.lock().fork();
        let reader = Reader {
            requester: Arc::clone(&self.requester),
            target,
            reading: self.reading.clone(),
            reconnection: Reconnection::new(&self.settings, random),
            resume,
            door,
            facts,
            reset: false,
            outage: false,
        };
        UpstreamHandle::new(self.threads.spawn(reader.run()))
    }
}

impl fmt::Debug for SseUpstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseUpstreams").field("settings", &self.settings).finish_non_exhaustive()
    }
}
