//! Where readers run: on the thread that does everything, or on threads of their own.
//!
//! A wake-up on the same thread is the cheapest, and at low rates it is most of what an event costs. Threads of their own
//! pay where one core is not enough for reading, parsing and sending.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Threads for readers; none for the caller's own.
#[derive(Debug, Default)]
pub(super) struct Threads {
    threads: Vec<Thread>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Thread {
    runtime: Handle,
    /// The thread ends, and what runs on it, when this is dropped.
    _alive: oneshot::Sender<()>,
}

impl Threads {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// When the system gives no thread, or no means to wait for sockets on it.
    pub fn start(count: usize) -> io::Result<Self> {
        let threads = (0..count).map(Thread::start).collect::<io::Result<_>>()?;
        Ok(Self { threads, next: AtomicUsize::new(0) })
    }

    /// Runs a reader on the next thread in turn.
    pub fn spawn(&self, reader: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        match self.threads.get(turn % self.threads.len().max(1)) {
            Some(thread) => thread.runtime.spawn(reader),
            None => tokio::spawn(reader),
        }
    }
}

impl Thread {
    fn start(index: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel();
        thread::Builder::new().name(format!("upstream-{index}")).spawn(move || {
            // Nothing is ever sent: it ends when the sender is gone.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self { runtime: handle, _alive: alive })
    }
}
