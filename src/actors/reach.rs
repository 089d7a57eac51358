//! How a handset is reached: the SMSCs that reach its number, best first, and whose it is.
//!
//! There is one for each tenant and list of SMSCs, shared by all handsets that are reached so.

use super::smsc::Smsc;
use crate::engine::routing::Routes;
use crate::model::{HandsetId, Msisdn, TenantId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The SMSCs that reach a handset, of which one is the one to send by.
pub struct Reach {
    tenant: u16,
    home: Arc<Smsc>,
    stand_ins: Box<[Arc<Smsc>]>,
}

impl Reach {
    /// By one SMSC and no other, for the first tenant.
    pub fn alone(smsc: Arc<Smsc>) -> Arc<Self> {
        Arc::new(Self { tenant: 0, home: smsc, stand_ins: Box::default() })
    }

    /// The SMSC to send by now: the best that is in service; when none is, the best that has a link; when none has, the
    /// best, and the wait is there.
    pub fn smsc(&self) -> &Arc<Smsc> {
        if self.stand_ins.is_empty() || self.home.is_in_service() { &self.home } else { self.stand_in() }
    }

    /// The best SMSC, whether it can be sent by or not. All others would send the same octets.
    pub fn home(&self) -> &Arc<Smsc> {
        &self.home
    }

    /// A small number for the tenant, the same as long as the process lives.
    pub fn tenant(&self) -> u16 {
        self.tenant
    }

    #[cold]
    fn stand_in(&self) -> &Arc<Smsc> {
        let open = || [&self.home].into_iter().chain(&self.stand_ins).find(|smsc| smsc.is_open());
        self.stand_ins.iter().find(|smsc| smsc.is_in_service()).or_else(open).unwrap_or(&self.home)
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let smscs: Vec<&str> = [&self.home].into_iter().chain(&self.stand_ins).map(|smsc| smsc.name()).collect();
        f.debug_struct("Reach").field("tenant", &self.tenant).field("smscs", &smscs).finish()
    }
}

/// Every SMSC, and how they reach numbers.
#[derive(Clone)]
pub struct Reaches(Arc<All>);

struct All {
    routes: Routes,
    smscs: Vec<Arc<Smsc>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    tenants: HashMap<TenantId, u16>,
    reaches: HashMap<(u16, usize), Arc<Reach>>,
}

impl Reaches {
    /// By `smscs`, as `routes` count them.
    pub fn new(routes: Routes, smscs: Vec<Arc<Smsc>>) -> Self {
        Self(Arc::new(All { routes, smscs, known: Mutex::default() }))
    }

    /// Every SMSC.
    pub fn smscs(&self) -> &[Arc<Smsc>] {
        &self.0.smscs
    }

    /// How a tenant's handset with this number is reached, if it is.
    pub fn find(&self, tenant: &TenantId, handset: HandsetId, number: &Msisdn) -> Option<Arc<Reach>> {
        let All { routes, smscs, known } = &*self.0;
        // Its lower bits choose among the lanes of an SMSC.
        let way = routes.way(number, handset.half() >> 32)?;
        let known = &mut *known.lock();
        let tenant = known.tenant(tenant);
        if let Some(reach) = known.reaches.get(&(tenant, way)) {
            return Some(Arc::clone(reach));
        }
        let mut all = routes.smscs(way).iter().filter_map(|at| smscs.get(*at)).cloned();
        let reach = Arc::new(Reach { tenant, home: all.next()?, stand_ins: all.collect() });
        known.reaches.insert((tenant, way), Arc::clone(&reach));
        Some(reach)
    }
}

impl fmt::Debug for Reaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reaches").field("routes", &self.0.routes).finish_non_exhaustive()
    }
}

impl Known {
    /// The number of a tenant; those beyond the last number share it.
    fn tenant(&mut self, tenant: &TenantId) -> u16 {
        if let Some(number) = self.tenants.get(tenant) {
            return *number;
        }
        let number = u16::try_from(self.tenants.len()).unwrap_or(u16::MAX);
        if number < u16::MAX {
            self.tenants.insert(tenant.clone(), number);
        }
        number
    }
}
