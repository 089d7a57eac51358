// Processes of the test, each known by its own id, and what they print.
import { spawn, execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const BELLWIRE = process.env.BELLWIRE;
const LIMIT = 15_000;
const SECRET = "not a secret, it is in the repository";
const AUDIENCE = "bellwire";

/** Waits until `look` finds something, and gives it. */
export async function eventually(look, what) {
  const end = Date.now() + LIMIT;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${LIMIT / 1000} s have passed without ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A process of `bellwire`; its lines are those of both outputs. */
export class Bellwire {
  lines = [];
  #process;
  #ended;

  constructor(...args) {
    this.#process = spawn(BELLWIRE, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#ended = new Promise((resolve) => this.#process.on("close", resolve));
    for (const output of [this.#process.stdout, this.#process.stderr]) this.#read(output);
  }

  #read(output) {
    let rest = "";
    output.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      this.lines.push(...lines);
    });
  }

  /** What `pattern` finds in the first line that it fits. */
  says(pattern) {
    const look = () => this.lines.map((line) => pattern.exec(line)).find(Boolean);
    return eventually(look, `${pattern} in\n${this.lines.join("\n")}`);
  }

  /** Ends it; gives its exit code. */
  async stop() {
    this.#process.kill("SIGINT");
    const impatient = setTimeout(() => this.#process.kill("SIGKILL"), LIMIT);
    const code = await this.#ended;
    clearTimeout(impatient);
    return code;
  }
}

/** Router and SMSC between a server application and handsets. */
export class House {
  static async start() {
    const house = new House();
    house.smscProcess = new Bellwire("sim", "smsc", "--listen", "127.0.0.1:0", "--modem", "127.0.0.1:0", "--messages");
    const [, smsc] = await house.smscProcess.says(/^smsc at (.+)$/);
    [, house.modem] = await house.smscProcess.says(/^modem at (.+)$/);
    const config = join(mkdtempSync(join(tmpdir(), "bellwire-browser-")), "bellwire.toml");
    writeFileSync(config, configuration(smsc));
    house.router = new Bellwire("--log-format", "json", "serve", "--config", config);
    const [line] = await house.router.says(/.*"router started".*/);
    const { http, grpc } = JSON.parse(line);
    Object.assign(house, { proxy: `http://${http}/`, grpc: `http://${grpc}` });
    return house;
  }

  /** Short messages that the SMSC took for `number`. */
  messages(number) {
    return this.smscProcess.lines.filter((line) => line.split(" ")[1] === number);
  }

  modemOf(number) {
    return `${this.modem}?number=${number}`;
  }

  /** Runs a command against the router. */
  async command(...args) {
    const { stdout } = await promisify(execFile)(BELLWIRE, [...args, "--server", this.grpc], { timeout: LIMIT });
    return stdout;
  }

  async stop() {
    const codes = [await this.router?.stop(), await this.smscProcess?.stop()];
    if (codes.some((code) => code !== 0)) throw new Error(`exit codes of router and SMSC: ${codes}`);
  }
}

function configuration(smsc) {
  return `
[node]
data_dir = ""
[http]
listen = "127.0.0.1:0"
[grpc]
listen = "127.0.0.1:0"
[ops]
listen = "127.0.0.1:0"
[budgets]
handset_per_minute = 0
handset_per_day = 0
source_per_minute = 0
source_per_day = 0
tenant_per_minute = 0
tenant_per_day = 0
[relay]
push_after = "200ms"
linger = "1s"
[access]
prefixes = ["1"]
allow_private_sources = true
[access.token]
audience = "${AUDIENCE}"
[[access.token.key]]
algorithm = "HS256"
secret = "${SECRET}"
[[smsc]]
name = "simulated"
address = "${smsc}"
system_id = "browser"
password = "test"
source_address = "12345"
`;
}

/** Says that whoever has it is the handset of `number` (RFC 7519, HS256). */
export function tokenOf(number) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: number, aud: AUDIENCE, exp: Math.floor(Date.now() / 1000) + 3600 };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}
