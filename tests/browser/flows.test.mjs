// The three flows of the W3C's page on connectionless push, step by step, in a real browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.mjs";
import { House, eventually, tokenOf } from "./processes.mjs";
import { ServerApplication } from "./server_application.mjs";

let browser, house, application;

before(async () => {
  [browser, house, application] = await Promise.all([launch(), House.start(), new ServerApplication().start()]);
});
after(async () => {
  await Promise.all([browser?.close(), application?.stop()]);
  await house?.stop();
});

/** The client application: what the W3C's page has, for a source called `name`. */
async function follow(page, name, url) {
  await page.evaluate((name, url) => {
    const shown = (window[`${name}Shown`] = []);
    function updateStocks(symbol, change, price) {
      shown.push([symbol, change, price]);
    }
    const source = (window[name] = new EventSource(url));
    source.onmessage = function (event) {
      var data = event.data.split('\n');
      updateStocks(data[0], data[1], data[2]);
    };
  }, name, url);
}

const shownBy = (page, name) => page.evaluate((name) => window[`${name}Shown`], name);

/** Waits until a source has shown this quote. */
function arrives(page, name, quote) {
  const is = async () => (await shownBy(page, name)).some((shown) => String(shown) === String(quote));
  return eventually(is, `${quote} by ${name}`);
}

const isOpen = (page, name) => eventually(() => page.evaluate((name) => window[name].readyState === 1, name), `${name} open`);

/** Teaches the page's EventSource `urn:oma:xml:push`, as a handset's browser would know it. */
function installPush(page, options) {
  return page.evaluate(async ({ proxy, modem, ...options }) => {
    const { EventStreamModem, install } = await import(`${proxy}client/bellwire.js`);
    install({ ...options, proxy, modem: new EventStreamModem(modem) });
  }, { proxy: house.proxy, ...options });
}

test("flow 1: the stream comes from the server application", async () => {
  const { page, wrong } = await openPage(browser, application.origin);
  // 1, 2: the client application makes an EventSource, the user agent opens it.
  await follow(page, "stream", application.stocks);
  await eventually(() => application.readers === 1, "a reader");
  assert.equal(application.requests.at(-1).accept, "text/event-stream");
  await isOpen(page, "stream");
  // 3, 4: the server application sends events, the client application gets them.
  application.send("YHOO", "+2", "10");
  application.send("YHOO", "-1", "9");
  await arrives(page, "stream", ["YHOO", "-1", "9"]);
  assert.deepEqual(await shownBy(page, "stream"), [["YHOO", "+2", "10"], ["YHOO", "-1", "9"]]);
  // 5, 6: it closes the EventSource, and the user agent the connection.
  await page.evaluate(() => window.stream.close());
  await eventually(() => application.readers === 0, "the end of the connection");
  assert.deepEqual(wrong, []);
  await page.close();
});

test("flow 2: the server application has its events pushed", async () => {
  const number = "15555550102";
  const { page, wrong } = await openPage(browser, application.origin);
  // 1 to 4: as in flow 1.
  await follow(page, "stream", application.stocks);
  await eventually(() => application.readers === 1, "a reader");
  application.send("YHOO", "+2", "10");
  await arrives(page, "stream", ["YHOO", "+2", "10"]);
  // 5, 6: the client application changes over.
  await page.evaluate(() => window.stream.close());
  await eventually(() => application.readers === 0, "the end of the connection");
  // 7: it opens pushes.
  await installPush(page, { modem: house.modemOf(number) });
  await follow(page, "push", "urn:oma:xml:push");
  await isOpen(page, "push");
  // 8: the server application gives an event to the push server. The W3C's page has PushREST here; this is gRPC.
  await house.command("sub", "activate", "--feed", "stocks", "--to", number);
  await house.command("publish", "--feed", "stocks", "--data", "YHOO\n-1\n9", "--wait");
  // 9: the push server gives it to the SMSC, in one segment.
  assert.equal(house.messages(number).length, 1);
  // 10, 11: the SMSC to the user agent, and the user agent to the client application.
  await arrives(page, "push", ["YHOO", "-1", "9"]);
  assert.deepEqual(await shownBy(page, "push"), [["YHOO", "-1", "9"]]);
  assert.deepEqual(await shownBy(page, "stream"), [["YHOO", "+2", "10"]]);
  assert.equal(application.readers, 0);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("flow 3: the push server relays the stream, and pushes when it is closed", async () => {
  const number = "15555550103";
  const token = tokenOf(number);
  const source = encodeURIComponent(application.stocks);
  const { page, wrong } = await openPage(browser, application.origin);
  const act = async (action) => {
    const url = `${house.proxy}?action=${action}&eventsource=${source}&token=${token}`;
    return page.evaluate(async (url) => (await fetch(url)).json(), url);
  };
  const opened = application.requests.length;
  // 1 to 3: client application, user agent, push server, server application. The EventSource is the platform's.
  await follow(page, "stream", `${house.proxy}?eventsource=${source}&token=${token}`);
  await isOpen(page, "stream");
  await eventually(() => application.readers === 1, "the push server as a reader");
  application.send("YHOO", "+2", "10");
  await arrives(page, "stream", ["YHOO", "+2", "10"]);
  // 4: pushes are opened beside it.
  await installPush(page, { modem: house.modemOf(number), confirm: true, token });
  await follow(page, "push", "urn:oma:xml:push");
  // 5: push is activated. First the handset proves that it is reached, which the W3C's page leaves out.
  assert.equal((await act("activatePush")).state, "pending");
  await eventually(async () => (await act("activatePush")).state === "active", "an active subscription");
  const probes = house.messages(number).length;
  assert.equal(probes, 1);
  // 6 to 8: "as received", although push is active.
  application.send("YHOO", "-1", "9");
  await arrives(page, "stream", ["YHOO", "-1", "9"]);
  assert.equal(house.messages(number).length, probes);
  assert.deepEqual(await shownBy(page, "push"), []);
  // 9, 10: the client application closes its EventSource; "the push server retains the connection to the eventsource
  // server until explicitly told to drop all event delivery options".
  await page.evaluate(() => window.stream.close());
  // 11 to 14: an event takes the way by SMPP and SMS. What an EventSource that acknowledges nothing may have missed comes
  // once more before it.
  application.send("GOOG", "+5", "77");
  await arrives(page, "push", ["GOOG", "+5", "77"]);
  assert.ok(house.messages(number).length > probes);
  const pushed = await shownBy(page, "push");
  assert.deepEqual(pushed, [["YHOO", "+2", "10"], ["YHOO", "-1", "9"], ["GOOG", "+5", "77"]].slice(-pushed.length));
  assert.equal(application.readers, 1);
  assert.equal(application.requests.length, opened + 1, "one connection for both bearers");
  // 15: no more events by any bearer, and no more connection to the server application.
  const sent = house.messages(number).length;
  assert.equal((await act("deactivatePush")).state, "inactive");
  application.send("GOOG", "-5", "72");
  await eventually(() => application.readers === 0, "the end of the connection");
  assert.equal(house.messages(number).length, sent);
  assert.deepEqual(await shownBy(page, "push"), pushed);
  // 16: pushes are closed.
  assert.equal(await page.evaluate(() => (window.push.close(), window.push.readyState)), 2);
  assert.equal((await shownBy(page, "stream")).length, 2);
  assert.deepEqual(wrong, []);
  await page.close();
});
