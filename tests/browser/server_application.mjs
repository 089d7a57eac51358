// The server application: sends events when it is told to, and sees who is connected.
import { createServer } from "node:http";

export class ServerApplication {
  /** Requests for the stream, as they came. */
  requests = [];
  #streams = new Set();
  #server = createServer((request, response) => this.#answer(request, response));
  #id = 0;

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
    this.stocks = `${this.origin}/stocks`;
    return this;
  }

  /** How many read the stream now. */
  get readers() {
    return this.#streams.size;
  }

  /** An event of the W3C's page; gives its id. */
  send(symbol, change, price) {
    const id = String(++this.#id);
    for (const stream of this.#streams) stream.write(`data: ${symbol}\ndata: ${change}\ndata: ${price}\nid: ${id}\n\n`);
    return id;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request, response) {
    if (request.url !== "/stocks") {
      // The page of the client application: empty, as its code comes from the test.
      response.writeHead(200, { "Content-Type": "text/html" });
      return void response.end("<!doctype html><link rel=icon href='data:,'><title>stocks</title>");
    }
    this.requests.push(request.headers);
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(":\n\n");
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
  }
}
