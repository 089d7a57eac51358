// An EventSource by npm's eventsource: reads the stream at the URL that it is given, and tells what its page would see.

import { EventSource } from "eventsource";

const tell = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);
const [url, ...types] = process.argv.slice(2);
const source = new EventSource(url);
const see = ({ type, data, lastEventId }) => tell({ event: { type, data, lastEventId } });
source.onopen = () => tell({ open: {} });
source.onerror = ({ code }) => tell({ error: { code: code ?? null, state: source.readyState } });
for (const type of ["message", ...types]) source.addEventListener(type, see);
