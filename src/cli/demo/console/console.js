/**
 * The demo's console: what its buttons do, what is counted, and what is drawn of it.
 */

import {
  ConnectionlessEventSource, EventStreamModem, EventStreamParser, Reassembler, decodePush,
} from "/client/bellwire.js";
import { AGENT, CLIENT, Chart, PROXY, SERVER, SMSC } from "/console/chart.js";
import { DataBearer, SwitchedModem } from "/console/radio.js";
import { Ledger } from "/console/ledger.js";
import { follow } from "/console/stocks.js";

/** The types of the ticker's events. */
const TYPES = ["message", "trade", "halt"];

const $ = (id) => document.getElementById(id);
const session = await (await fetch("/console/session.json", { cache: "no-store" })).json();
const chart = new Chart($("steps"), $("scroller"));
const ledger = new Ledger();
const data = new DataBearer({ onrequest, onresponse, onclose, onbreak, onrefused });
const modem = new SwitchedModem(new EventStreamModem(session.modem), onsegment);
const reassembler = new Reassembler();

/** @type {ConnectionlessEventSource | null} */
let source = null;
/** What push is about to be, while that is not decided. */
let wish = null;
/** The short message that is being read, with what was said of it. */
let arriving = null;
let upstreamShown = false;

// ---------------------------------------------------------------------------------------------------------------------
// What the buttons do
// ---------------------------------------------------------------------------------------------------------------------

const BUTTONS = {
  open: {
    may: () => data.isUp && (source === null || source.bearer !== "relay"),
    act: open,
    other: { name: "Close stream", when: () => source?.bearer === "relay", act: closeStream },
  },
  activate: { may: () => source !== null && data.isUp && !wish && !source.activation, act: activate },
  airplane: { may: () => source !== null && data.isUp, act: airplane },
  back: { may: () => !data.isUp, act: goBack },
  deactivate: { may: () => data.isUp && Boolean(source?.activation) && !wish, act: deactivate },
};

function open() {
  if (source) {
    chart.add([CLIENT, AGENT], "wake()");
    source.wake();
    return "The stream goes on where push left off.";
  }
  chart.add([CLIENT, AGENT], "new EventSource(…)");
  ledger.begin();
  source = new ConnectionlessEventSource(session.eventsource, {
    proxy: location.origin, token: session.token, modem, fetch: data.fetch,
  });
  for (const type of TYPES) source.addEventListener(type, receive);
  source.addEventListener("gap", ({ detail }) => chart.add([AGENT, CLIENT], `gap: ${detail.reason}`, { tone: "wrong" }));
  for (const type of ["open", "error", "bearerchange"]) source.addEventListener(type, show);
  follow(source, updateStocks, haltStock);
  return "Events come by the stream.";
}

async function closeStream() {
  if (source.activation) {
    chart.add([CLIENT, AGENT], "sleep()");
    await source.sleep();
    return "The stream is closed; events come by push.";
  }
  chart.add([CLIENT, AGENT], "close()");
  source.close();
  source = null;
  return "The stream is closed, and nothing takes its place.";
}

async function activate() {
  chart.add([CLIENT, AGENT], "arm()");
  const activation = await during("waiting for the probe", source.arm());
  return activation && "Push is active. Nothing is pushed while the stream is open.";
}

function airplane() {
  const all = $("sms-too").checked;
  data.drop();
  modem.isOn = !all;
  if (all) return "No stream, no short messages: what is pushed waits at the SMSC.";
  return source.activation ? "The stream is lost; in two seconds push takes its place." : "The stream is lost.";
}

function goBack() {
  data.restore();
  modem.isOn = true;
  chart.add([CLIENT, AGENT], "wake()");
  source?.wake();
  return "Back: the stream goes on behind the last event that came.";
}

async function deactivate() {
  chart.add([CLIENT, AGENT], "deactivate()");
  await during("ending", source.deactivate());
  return "Push is inactive.";
}

async function during(what, promise) {
  wish = what;
  show();
  try {
    return await promise;
  } finally {
    wish = null;
  }
}

async function press(button) {
  const { may, act, other } = BUTTONS[button.id];
  const instead = other?.when() ?? false;
  if (!instead && !may()) return;
  try {
    say(await (instead ? other.act : act)());
  } catch (error) {
    say(error.message, "wrong");
  }
  show();
}

for (const id of Object.keys(BUTTONS)) $(id).addEventListener("click", () => press($(id)));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const button = $(Object.keys(BUTTONS)[Number(event.key) - 1] ?? "");
  if (!button) return;
  button.focus();
  button.click();
});

// ---------------------------------------------------------------------------------------------------------------------
// What is drawn: between user agent and proxy
// ---------------------------------------------------------------------------------------------------------------------

function onrequest(what, query, { headers }) {
  const last = headers?.["Last-Event-ID"];
  const words = {
    stream: last ? `GET, Last-Event-ID: ${last}` : "GET ?eventsource=…",
    activatePush: "activatePush",
    confirm: "confirm, nonce of the probe",
    deactivatePush: "deactivatePush",
    ack: `ack ${query.get("id")}`,
  };
  chart.add([AGENT, PROXY], words[what] ?? what, { tone: what === "ack" ? "quiet" : "control" });
}

function onresponse(what, { status, ok }) {
  if (!ok) return void chart.add([PROXY, AGENT], `${status}`, { tone: "wrong" });
  if (what === "ack") return;
  if (what === "stream" && !upstreamShown) {
    upstreamShown = true;
    chart.add([PROXY, SERVER], "GET, one for all", { concluded: 1 });
  }
  const words = { stream: "200, event stream", activatePush: status === 202 ? "202, probe follows" : "200, active" };
  chart.add([PROXY, AGENT], words[what] ?? (what === "confirm" ? "200, active" : "200, inactive"));
}

function onclose(what) {
  chart.add([AGENT, PROXY], `${what} closed`);
}

function onbreak(what) {
  chart.add([PROXY, AGENT], what === "stream" ? "stream lost" : `${what} lost`, { tone: "wrong", lost: true });
}

function onrefused(what) {
  chart.add([AGENT, PROXY], `${what === "stream" ? "stream" : what}: no connection`, { tone: "wrong", lost: true });
}

/** A short message, before the user agent reads it. */
function onsegment({ from, userData }) {
  ledger.segments++;
  chart.add([PROXY, SMSC], `submit_sm, ${userData.length} octets`, { tone: "push", concluded: 1 });
  const message = reassembler.add({ from, userData });
  const step = chart.add([SMSC, AGENT], "SMS", { tone: "push" });
  const events = message ? eventsOf(message.octets) : [];
  arriving = { step, reached: 0 };
  if (!message) step.label("SMS, more follow");
  else if (events.some(({ type }) => type.startsWith("bellwire-"))) step.label(`SMS: ${events[0].type}`);
  else step.label(`SMS: ${events.map(({ lastEventId }) => `id ${lastEventId}`).join(", ")}, known already`);
  // What the user agent makes of it, it makes at once, or after an answer that it waits for.
  queueMicrotask(() => { arriving = null; show(); });
}

function eventsOf(octets) {
  const events = [];
  try {
    new EventStreamParser({ onevent: (event) => events.push(event) }).push(decodePush(octets).body);
  } catch {
    // It is somebody else's.
  }
  return events;
}

// ---------------------------------------------------------------------------------------------------------------------
// What arrives
// ---------------------------------------------------------------------------------------------------------------------

function receive(event) {
  ledger.count(event.lastEventId, event.bearer);
  draw(event);
  latest = event;
  show();
}

/** The event that the client application is told of now. */
let latest = null;

function draw({ bearer, type, data: text, lastEventId }) {
  const quote = `id ${lastEventId} · ${text.split("\n").join(" ").replace(" -", " −")}${type === "halt" ? " halt" : ""}`;
  if (bearer === "relay") {
    chart.add([SERVER, PROXY, AGENT, CLIENT], quote, { tone: "stream", concluded: 1 });
  } else if (arriving) {
    if (arriving.reached++ === 0) arriving.step.extend(CLIENT);
    const more = arriving.reached - 1;
    arriving.step.label(more === 0 ? `SMS: ${quote}` : `SMS: ${quote}, and ${more} before`);
  } else {
    chart.add([AGENT, CLIENT], quote, { tone: "push" });
  }
}

function updateStocks(symbol, change, price) {
  const row = rowOf(symbol);
  row.className = "";
  row.children[1].textContent = change.replace("-", "−");
  row.children[2].textContent = price;
  mark(row);
}

function haltStock(symbol) {
  const row = rowOf(symbol);
  row.className = "halted";
  row.children[1].textContent = "halted";
  mark(row);
}

function rowOf(symbol) {
  const body = $("stocks");
  body.querySelector(".empty")?.remove();
  const rows = [...body.rows];
  const known = rows.find((row) => row.dataset.symbol === symbol);
  if (known) return known;
  const row = document.createElement("tr");
  row.dataset.symbol = symbol;
  for (let column = 0; column < 5; column++) row.insertCell();
  row.cells[0].textContent = symbol;
  body.insertBefore(row, rows.find((other) => other.dataset.symbol > symbol) ?? null);
  return row;
}

/** Shows by which bearer a row's newest event came. */
function mark(row) {
  const tone = latest.bearer === "relay" ? "stream" : "push";
  row.cells[3].innerHTML = `<span class="tag" data-tone="${tone}">${tone}</span>`;
  row.cells[4].textContent = latest.lastEventId;
  delete row.dataset.fresh;
  // Read, so that the animation begins anew.
  void row.offsetWidth;
  row.dataset.fresh = tone;
}

// ---------------------------------------------------------------------------------------------------------------------
// What is shown of the state
// ---------------------------------------------------------------------------------------------------------------------

function say(text, tone = "") {
  if (!text) return;
  set($("said"), text);
  $("said").dataset.tone = tone;
}

function show() {
  const bearer = source?.bearer ?? null;
  const tone = bearer === "relay" ? "stream" : bearer ?? "none";
  set($("bearer"), tone);
  $("bearer").dataset.tone = tone;
  set($("subscription"), wish ?? (source?.activation ? (bearer === "relay" ? "active, stands by" : "active") : "inactive"));
  set($("expires"), source?.activation?.expires ? shortTime(source.activation.expires) : "–");
  const { byStream, byPush, segments, lost, doubled } = ledger;
  for (const [id, count] of Object.entries({ "by-stream": byStream, "by-push": byPush, segments, lost, doubled })) {
    set($(id), String(count));
  }
  for (const id of ["lost", "doubled"]) $(id).dataset.tone = ledger[id] > 0 ? "wrong" : "";
  for (const [id, { may, other }] of Object.entries(BUTTONS)) {
    const instead = other?.when() ?? false;
    $(id).setAttribute("aria-disabled", String(!instead && !may()));
    if (other) set($(id).querySelector("span"), instead ? other.name : "Open stream");
  }
}

/** Only what has changed is written, for what is written is read out. */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function shortTime(time) {
  return new Date(time).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

set($("number"), session.number);
show();
