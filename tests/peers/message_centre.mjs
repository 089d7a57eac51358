// An SMSC by npm smpp. Told what to do by JSON lines on standard input, tells every PDU by JSON lines on standard
// output.
//
//   {"throttle": 1}            answers so many submits with ESME_RTHROTTLED
//   {"lose": 1}                takes so many submits and hangs up instead of answering
//   {"receipts": "DELIVRD"}    what receipts say from now on; null for none
//   {"enquire": 1}             asks whoever is bound whether it lives
//
// Usage: node message_centre.mjs SYSTEM_ID PASSWORD

import { createInterface } from "node:readline";
import smpp from "smpp";

const [systemId, password] = process.argv.slice(2);
const STATES = { DELIVRD: 2, EXPIRED: 3, UNDELIV: 5, REJECTD: 8 };
const tell = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);

let throttle = 0;
let lose = 0;
let receipts = "DELIVRD";
let accepted = 0;
const bound = new Set();
const receivers = new Set();

const server = smpp.createServer((session) => {
  session.on("error", (error) => tell({ broken: String(error) }));
  session.on("close", () => {
    bound.delete(session);
    receivers.delete(session);
    tell({ closed: {} });
  });
  for (const mode of ["bind_transceiver", "bind_transmitter", "bind_receiver"]) {
    session.on(mode, (pdu) => bind(session, mode, pdu));
  }
  session.on("submit_sm", (pdu) => submit(session, pdu));
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    tell({ unbind: {} });
    session.send(pdu.response(), undefined, () => session.close());
  });
});

function bind(session, mode, pdu) {
  const known = pdu.system_id === systemId && pdu.password === password;
  tell({ bind: { mode, known, system_id: pdu.system_id, version: pdu.interface_version, type: pdu.system_type } });
  const command_status = known ? smpp.ESME_ROK : smpp.ESME_RBINDFAIL;
  if (known) bound.add(session);
  if (known && mode !== "bind_transmitter") receivers.add(session);
  session.send(pdu.response({ command_status, system_id: "CENTRE" }));
}

function submit(session, pdu) {
  const status = fate();
  const id = status === "ESME_ROK" ? (++accepted).toString(16).padStart(8, "0") : "";
  const { udh = [], message } = pdu.short_message;
  tell({
    submit: {
      status,
      message_id: id,
      esm_class: pdu.esm_class,
      data_coding: pdu.data_coding,
      registered_delivery: pdu.registered_delivery,
      validity_period: pdu.validity_period && String(pdu.validity_period),
      source: [pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr],
      destination: [pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr],
      udh: udh.map((element) => element.toString("hex")),
      message: Buffer.isBuffer(message) ? message.toString("hex") : null,
    },
  });
  if (status === "LOST") {
    session.destroy();
    return;
  }
  session.send(pdu.response({ command_status: smpp[status], message_id: id }));
  if (status !== "ESME_ROK") return;
  const [receiver] = receivers;
  if (receiver && receipts !== null && pdu.registered_delivery & 1) receipt(receiver, pdu, id, receipts);
}

// What becomes of the next submit.
function fate() {
  if (lose > 0) {
    lose -= 1;
    return "LOST";
  }
  if (throttle > 0) {
    throttle -= 1;
    return "ESME_RTHROTTLED";
  }
  return "ESME_ROK";
}

function receipt(session, submitted, id, state) {
  const date = new Date().toISOString().replace(/\D/g, "").slice(2, 12);
  const delivered = state === "DELIVRD" ? "001" : "000";
  const text = `id:${id} sub:001 dlvrd:${delivered} submit date:${date} done date:${date} stat:${state} err:000 text:`;
  const pdu = {
    source_addr: submitted.destination_addr,
    destination_addr: submitted.source_addr,
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    short_message: text,
    receipted_message_id: id,
    message_state: STATES[state],
  };
  session.deliver_sm(pdu, (response) => tell({ receipt: { message_id: id, state, answer: response.command_status } }));
}

const commands = {
  lose(count) {
    lose = count;
  },
  throttle(count) {
    throttle = count;
  },
  receipts(state) {
    receipts = state;
  },
  enquire() {
    for (const session of bound) session.enquire_link();
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [[name, parameter]] = Object.entries(JSON.parse(line));
    commands[name](parameter);
    tell({ done: name });
  })
  .on("close", () => process.exit(0));

server.listen(0, "127.0.0.1", () => tell({ listening: server.address().port }));
