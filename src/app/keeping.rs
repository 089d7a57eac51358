//! What outlives the process: opened, gone on with, and written to.

use crate::actors::budgets::Budgets;
use crate::actors::clock::Clock;
use crate::actors::journal::{Commits, Journal, Save, Settings as JournalSettings};
use crate::actors::ledger::Ledger;
use crate::actors::port::Port;
use crate::actors::reach::Reaches;
use crate::actors::router::{Before, RestoreError, Restored};
use crate::actors::smsc::Smsc;
use crate::config::{Config, JournalMode, NodeConfig};
use crate::store::{Embedded, Settings as StoreSettings, Store, StoreError};
use crate::telemetry::Telemetry;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tracing::info;

/// The store, if there is one, and the way to it.
pub(super) struct Keeping {
    pub store: Option<Arc<dyn Store>>,
    pub journal: Journal,
}

impl Keeping {
    /// Opens the store, unless everything stays in memory.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(config: &NodeConfig) -> Result<Self, StoreError> {
        let Some(path) = &config.data_dir else {
            info!("node.data_dir is empty: subscriptions and events are kept in memory only");
            return Ok(Self { store: None, journal: Journal::none() });
        };
        let store: Arc<dyn Store> = Arc::new(Embedded::open(StoreSettings {
            path: path.clone(),
            log_octets: config.log_octets,
            log_age: config.log_age,
            reserve: config.disk_reserve,
        })?);
        let before = config.journal == JournalMode::Before;
        let journal = Journal::new(Arc::clone(&store), JournalSettings { before, max_unsaved: config.max_unsaved });
        Ok(Self { store: Some(store), journal })
    }

    /// What an earlier process has left.
    ///
    /// # Errors
    /// When it makes no sense, to this configuration or at all.
    pub fn restore(&self, config: &Config, reaches: &Reaches, budgets: &Budgets) -> Result<Restored, RestoreError> {
        let Some(store) = &self.store else { return Ok(Restored::default()) };
        let backlog = self.journal.backlog(config.upstream.log_octets);
        let now = Clock::default().now();
        Restored::load(&Before { store: &**store, reaches, push: &config.push, budgets, backlog, now })
    }

    /// Writes what changes, until its task is ended.
    pub fn write(
        &self,
        ledger: &Arc<Ledger>,
        budgets: &Arc<Budgets>,
        smscs: &[Arc<Smsc>],
        telemetry: &Telemetry,
    ) -> JoinHandle<()> {
        let budgets = Arc::clone(budgets) as Arc<dyn Save>;
        let ledger = Arc::clone(ledger) as Arc<dyn Save>;
        let always = smscs.iter().map(|smsc| Arc::clone(smsc) as Arc<dyn Save>).chain([ledger, budgets]).collect();
        let smscs = smscs.to_vec();
        let opened = Port::new(move |()| smscs.iter().flat_map(|smsc| smsc.lanes()).for_each(|lane| lane.wake()));
        let commits = Commits { always, opened, telemetry: telemetry.clone(), clock: Clock::default() };
        tokio::spawn(commits.run(self.journal.clone()))
    }
}
