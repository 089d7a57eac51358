//! The pool: every link of every SMSC. It starts them, shows them, drains and stops them; segments never pass here.

use super::connecting::Gate;
use super::link::{Command, Link, Shown};
use super::meters::Meters;
use super::outbind::{self, OutbindListener};
use super::settings::LinkSettings;
use crate::actors::clock::Clock;
use crate::actors::failover::Failover;
use crate::actors::pool::{LinkName, LinkState, LinkView, NoSuchLink, PoolMessage};
use crate::actors::port::Port;
use crate::actors::smsc::Smsc;
use crate::engine::availability::Change;
use crate::engine::binding::BindingSettings;
use crate::engine::tally::Tally;
use crate::model::HandsetId;
use crate::telemetry::{SmscMeters, Telemetry};
use ractor::{Actor, ActorProcessingErr, ActorRef, MessagingErr, RpcReplyPort};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

/// How often receipts that did not come are given up.
const RECEIPTS_CHECKED_EVERY: Duration = Duration::from_secs(1);

/// Behaviour of the pool.
pub struct Pool;

/// The links of one SMSC.
pub struct SmscLinks {
    /// The SMSC.
    pub smsc: Arc<Smsc>,
    /// Its links, in the order of its lanes; receivers, which serve no lane, come last.
    pub links: Vec<LinkSettings>,
    /// How they bind.
    pub binding: BindingSettings,
    /// Where it connects to us, if it does: links that hear of messages wait for that.
    pub outbind: Option<OutbindListener>,
}

/// What the pool is made of.
pub struct Arguments {
    /// Every SMSC.
    pub smscs: Vec<SmscLinks>,
    /// Metrics.
    pub telemetry: Telemetry,
    /// Told how many links are bound.
    pub bound: Port<usize>,
    /// Told of handsets whose engine panicked.
    pub broken: Port<HandsetId>,
    /// What time it is.
    pub clock: Clock,
}

struct Member {
    name: LinkName,
    settings: LinkSettings,
    shown: Arc<Shown>,
    commands: watch::Sender<Command>,
}

/// What the pool knows.
pub struct State {
    members: Vec<Member>,
    meters: HashMap<String, SmscMeters>,
    bound: Port<usize>,
    tasks: JoinSet<()>,
    /// Listeners for outbinds.
    others: JoinSet<()>,
    failover: Failover,
    clock: Clock,
    /// Looks at the SMSCs when it is time.
    looking: Option<JoinHandle<Result<(), MessagingErr<PoolMessage>>>>,
}

impl Actor for Pool {
    type Msg = PoolMessage;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<PoolMessage>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State::start(&myself, arguments))
    }

    async fn handle(
        &self,
        myself: ActorRef<PoolMessage>,
        message: PoolMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PoolMessage::List(reply) => {
                let _ = reply.send(state.members.iter().map(Member::view).collect());
            }
            PoolMessage::Drain(name, reply) => state.command(&name, Command::Drain, reply),
            PoolMessage::Resume(name, reply) => state.command(&name, Command::Work, reply),
            PoolMessage::Changed => state.follow(&myself),
            PoolMessage::Stop(reply) => state.stop(myself, reply),
        }
        Ok(())
    }
}

impl State {
    fn start(myself: &ActorRef<PoolMessage>, arguments: Arguments) -> Self {
        let Arguments { smscs, telemetry, bound, broken, clock } = arguments;
        let mut state = Self {
            members: Vec::new(),
            meters: HashMap::new(),
            bound,
            tasks: JoinSet::new(),
            others: JoinSet::new(),
            failover: Failover::new(smscs.iter().map(|one| Arc::clone(&one.smsc))),
            clock: clock.clone(),
            looking: None,
        };
        let changed = changed_port(myself);
        let mut owing = Vec::with_capacity(smscs.len());
        for SmscLinks { smsc, links, binding, outbind } in smscs {
            let meters = Meters { telemetry: telemetry.clone(), smsc: telemetry.smsc(smsc.name()) };
            state.meters.insert(smsc.name().to_owned(), meters.smsc.clone());
            owing.push((Arc::clone(&smsc), meters.clone()));
            let outbinds = outbind.is_some().then(Arc::default);
            let gate = Gate::new(binding, links.len(), outbinds.clone());
            if let (Some(bound), Some(outbinds)) = (outbind, outbinds) {
                let name = smsc.name().to_owned();
                state.others.spawn(outbind::serve(bound, links.len(), outbinds, meters.clone(), name));
            }
            for (index, settings) in links.into_iter().enumerate() {
                let name = LinkName { smsc: smsc.name().to_owned(), index: index as u32 };
                let (commands, receiver) = watch::channel(Command::Work);
                let shown = Arc::new(Shown::default());
                let link = Link {
                    name: name.clone(),
                    settings: settings.clone(),
                    lane: (index < smsc.lanes().len()).then_some(index),
                    smsc: Arc::clone(&smsc),
                    gate: Arc::clone(&gate),
                    meters: meters.clone(),
                    broken: broken.clone(),
                    clock: clock.clone(),
                    commands: receiver,
                    shown: Arc::clone(&shown),
                    changed: changed.clone(),
                };
                state.tasks.spawn(link.run());
                state.members.push(Member { name, settings, shown, commands });
            }
        }
        state.tasks.spawn(expire_receipts(owing, telemetry, clock));
        state.follow(myself);
        state
    }

    fn command(&self, name: &LinkName, command: Command, reply: RpcReplyPort<Result<LinkView, NoSuchLink>>) {
        let member = self.members.iter().find(|member| member.name == *name);
        let answer = member.ok_or_else(|| NoSuchLink(name.clone())).map(|member| {
            member.commands.send_replace(command);
            member.view()
        });
        let _ = reply.send(answer);
    }

    /// A link is otherwise than it was, or it is time to look at the SMSCs.
    fn follow(&mut self, myself: &ActorRef<PoolMessage>) {
        self.show();
        let now = self.clock.now();
        let due = self.failover.look(now, |smsc, change| {
            match change {
                Change::Failed => warn!(smsc = smsc.name(), "no link was bound for too long: others stand in"),
                Change::Returned => info!(smsc = smsc.name(), "back in service: its handsets return to it"),
            }
            if let Some(meters) = self.meters.get(smsc.name()).filter(|_| change == Change::Failed) {
                meters.failovers.increment(1);
            }
        });
        if let Some(before) = self.looking.take() {
            before.abort();
        }
        self.looking = due.map(|due| {
            // Never before the time: what is not due would be looked at again and again.
            let wait = due.saturating_sub(now.monotonic) + Duration::from_millis(1);
            myself.send_after(wait, || PoolMessage::Changed)
        });
    }

    /// Shows how many links are how.
    fn show(&self) {
        for (smsc, meters) in &self.meters {
            let views: Vec<LinkView> = self.members.iter().filter(|m| m.name.smsc == *smsc).map(Member::view).collect();
            let count = |state| views.iter().filter(|view| view.state == state).count() as f64;
            meters.links_open.set(count(LinkState::Open));
            meters.links_bound.set(count(LinkState::Bound));
            meters.links_closed.set(count(LinkState::Closed));
            meters.links_draining.set(count(LinkState::Draining));
            meters.links_refused.set(count(LinkState::Refused));
        }
        let bound = self.members.iter().filter(|member| member.view().state == LinkState::Bound).count();
        self.bound.send(bound);
    }

    /// Tells every link to stop; whoever asked is answered when all have, and the pool is no more.
    fn stop(&mut self, myself: ActorRef<PoolMessage>, reply: RpcReplyPort<()>) {
        for member in &self.members {
            member.commands.send_replace(Command::Stop);
        }
        let mut tasks = std::mem::take(&mut self.tasks);
        let links = self.members.len();
        tokio::spawn(async move {
            // Each link bounds its own end; the watcher of receipts never ends by itself.
            let mut ended = 0;
            while ended < links && tasks.join_next().await.is_some() {
                ended += 1;
            }
            let _ = reply.send(());
            myself.stop(None);
        });
    }
}

impl Member {
    /// The link as it is, a command that it has yet to notice included: it does so before its next submit.
    fn view(&self) -> LinkView {
        let mut view = Link::view(&self.name, &self.settings, &self.shown);
        view.state = match (view.state, *self.commands.borrow()) {
            (LinkState::Bound, Command::Drain | Command::Stop) => LinkState::Draining,
            (LinkState::Draining, Command::Work) => LinkState::Bound,
            (state, _) => state,
        };
        view
    }
}

fn changed_port(myself: &ActorRef<PoolMessage>) -> Port<()> {
    let myself = myself.clone();
    Port::new(move |()| {
        // A pool that has stopped does not care how its links end.
        let _ = myself.cast(PoolMessage::Changed);
    })
}

/// Gives up receipts that did not come, and says how SMSCs spell what they name.
async fn expire_receipts(smscs: Vec<(Arc<Smsc>, Meters)>, telemetry: Telemetry, clock: Clock) {
    let mut tally = Tally::default();
    let mut interval = tokio::time::interval(RECEIPTS_CHECKED_EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        for (smsc, meters) in &smscs {
            let (now, mut receipts) = (clock.now(), smsc.receipts().lock());
            receipts.handle_timeout(now.monotonic, smsc.number(), &mut tally);
            let (news, awaited) = (receipts.take_news(smsc.number()), receipts.waiting());
            let tidings = receipts.take_tidings();
            drop(receipts);
            tidings.into_iter().for_each(|(told, fate)| told.handle_told(now, fate));
            smsc.offer_errands();
            if let Some(spelling) = news {
                info!(smsc = smsc.name(), message_ids = spelling.as_str(), "receipts name messages like this");
            }
            telemetry.receipts_expected.set(awaited as f64);
            meters.smsc.parked.set(smsc.parked() as f64);
            meters.carry(&mut tally);
        }
    }
}
