// Event streams by better-sse on node's http server. Told what to do by JSON lines on standard input, tells what
// happens by JSON lines on standard output.
//
//   {"send": {"path": "/a", "type": "t", "id": "1", "data": "two\nlines", "comment": "c", "retry": 100}}
//   {"drop": {"path": "/a"}}       ends the path's connections without a word
//   {"hold": {"path": "/a"}}       answers 503 until {"release": {"path": "/a"}}
//
// What was sent is kept: a client that returns with Last-Event-ID gets what came after that.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createEventBuffer, createSession } from "better-sse";

const tell = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);
const paths = new Map();

function stream(path) {
  if (!paths.has(path)) paths.set(path, { blocks: [], sessions: new Set(), sockets: new Set(), held: false });
  return paths.get(path);
}

function write(buffer, { type, id, data, comment, retry }) {
  if (comment !== undefined) buffer.comment(comment);
  if (retry !== undefined) buffer.retry(retry);
  if (type !== undefined) buffer.event(type);
  if (id !== undefined) buffer.id(id);
  // better-sse writes no blank after the colon, so that readers would take a line's own first blank for it.
  for (const line of data?.split("\n") ?? []) buffer.data(line.replace(/^ /, "  "));
  return buffer.dispatch();
}

async function send(session, blocks) {
  await session.batch(blocks.reduce(write, createEventBuffer({ serializer: String })));
}

const server = createServer(async (request, response) => {
  const path = request.url;
  const known = stream(path);
  const lastEventId = request.headers["last-event-id"] ?? null;
  if (known.held) {
    tell({ refused: { path, lastEventId } });
    response.writeHead(503).end();
    return;
  }
  const session = await createSession(request, response, { keepAlive: null, retry: 100 });
  known.sessions.add(session);
  known.sockets.add(request.socket);
  session.once("disconnected", () => {
    known.sessions.delete(session);
    known.sockets.delete(request.socket);
    tell({ closed: { path } });
  });
  tell({ opened: { path, lastEventId, accept: request.headers.accept, agent: request.headers["user-agent"] } });
  if (lastEventId !== null) {
    const last = known.blocks.findLastIndex((block) => block.id === lastEventId);
    await send(session, known.blocks.slice(last + 1));
  }
});

const commands = {
  async send({ path, ...block }) {
    const { blocks, sessions } = stream(path);
    blocks.push(block);
    for (const session of sessions) await send(session, [block]);
  },
  drop({ path }) {
    for (const socket of stream(path).sockets) socket.destroy();
  },
  hold({ path }) {
    stream(path).held = true;
  },
  release({ path }) {
    stream(path).held = false;
  },
};

let turn = Promise.resolve();
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [[name, parameters]] = Object.entries(JSON.parse(line));
    turn = turn.then(() => commands[name](parameters)).then(() => tell({ done: name }));
  })
  .on("close", () => process.exit(0));

server.listen(0, "127.0.0.1", () => tell({ listening: server.address().port }));
