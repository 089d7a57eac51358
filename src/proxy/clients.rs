//! What one client may have and do: streams at once, requests in a minute.

use super::problem::Problem;
use crate::engine::allowance::Allowance;
use crate::model::Msisdn;
use http::StatusCode;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Clients that are remembered.
const MAX_CLIENTS: usize = 100_000;
const MINUTE: Duration = Duration::from_secs(60);

/// Who is counted: a handset if it says who it is, else an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    Handset(Msisdn),
    Address(IpAddr),
}

/// Everybody.
pub(super) struct Clients {
    streams_per_client: u32,
    streams: Arc<Mutex<HashMap<Client, u32>>>,
    requests: Mutex<Allowance<Client>>,
}

/// One stream of a client, until it is dropped.
pub(super) struct StreamPlace {
    streams: Arc<Mutex<HashMap<Client, u32>>>,
    client: Client,
}

impl Clients {
    /// Each may have so many streams, and make so many other requests in a minute.
    pub fn new(streams_per_client: u32, requests_per_minute: u32) -> Self {
        let requests = Mutex::new(Allowance::new(requests_per_minute, MINUTE, MAX_CLIENTS));
        Self { streams_per_client, streams: Arc::default(), requests }
    }

    /// One stream more.
    pub fn stream(&self, client: Client) -> Result<StreamPlace, Problem> {
        let mut streams = self.streams.lock();
        let open = streams.entry(client).or_default();
        if *open >= self.streams_per_client {
            let detail = format!("this client has {open} streams, which is the most");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).again_after(MINUTE));
        }
        *open += 1;
        Ok(StreamPlace { streams: Arc::clone(&self.streams), client })
    }

    /// One request more.
    pub fn request(&self, now: Duration, client: Client) -> Result<(), Problem> {
        self.requests.lock().take(now, client).map_err(|wait| {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests in a minute").again_after(wait)
        })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut streams = self.streams.lock();
        if let Some(open) = streams.get_mut(&self.client) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_client_has_so_many_streams_and_gives_them_back() {
        let (clients, one) = (Clients::new(2, 10), Client::Address(Ipv4Addr::LOCALHOST.into()));
        let places: Vec<_> = (0..2).map(|_| clients.stream(one).ok().unwrap()).collect();
        assert!(clients.stream(one).is_err());
        assert!(clients.stream(Client::Handset("15551234567".parse().unwrap())).is_ok());
        drop(places);
        assert!(clients.stream(one).is_ok() && clients.streams.lock().is_empty());
    }

    #[test]
    fn a_client_makes_so_many_requests() {
        let (clients, one) = (Clients::new(2, 3), Client::Address(Ipv4Addr::LOCALHOST.into()));
        assert!((0..3).all(|_| clients.request(MINUTE, one).is_ok()));
        assert!(clients.request(MINUTE, one).is_err() && clients.request(2 * MINUTE, one).is_ok());
    }
}
