// A small seller's server: production interface V1.0 (GET) and V2.0 (POST), order notice.
//
// Needs Node 18 and nothing else. Run: KEY=… node seller.mjs
// Configuration (environment): KEY, LISTEN, DATA, SITE, NOTIFY_KEY, MARKETPLACE + AK + SK.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as wire from "./wire.mjs";

const { KEY = "", NOTIFY_KEY = KEY, LISTEN = "127.0.0.1:8083", DATA = "seller-data", MARKETPLACE = "", AK = "", SK = "",
  SITE = "https://shop.example.com" } = process.env; // SITE: where buyers find their instance

class Refusal extends Error { // answers a call with a result code
  constructor(code, message) { super(message); this.code = code; }
}

// --- The business: one JSON file per instance -------------------------------------------
// From load to save nothing is awaited, so in one process no lock is needed.

const pathOf = (instance) => join(DATA, wire.sha256(instance).slice(0, 32) + ".json");

const load = (instance) => (existsSync(pathOf(instance)) ? JSON.parse(readFileSync(pathOf(instance), "utf8")) : null);

// Durable and whole: temporary file, fsync, rename, fsync of the directory.
function save(it) {
  const path = pathOf(it.id), file = openSync(path + ".tmp", "w", 0o600);
  writeFileSync(file, JSON.stringify(it));
  fsyncSync(file);
  closeSync(file);
  renameSync(path + ".tmp", path);
  const directory = openSync(DATA, "r");
  fsyncSync(directory);
  closeSync(directory);
}

// V2 sends ids only. Debugging orders are not asked for.
const readOrder = async (call) =>
  MARKETPLACE && call.testFlag !== "1" ? wire.queryOrder(MARKETPLACE, AK, SK, call.orderId, call.orderLineId) : {};

// create makes the instance of an order. Its id is a function of the order, never of the
// businessId (new in every call): so no repetition can ever name another instance.
async function create(orderKey, call, order) {
  const instance = "i-" + wire.sha256((call.testFlag === "1" ? "test/" : "") + orderKey).slice(0, 32);
  const bought = load(instance) ? {} : await order();
  if (!load(instance)) { // looked at again: another call may have made it meanwhile
    // Here you would make what was bought, unless testFlag is 1.
    const { productId, skuCode, amount, expireTime, customerName, mobilePhone, email } = call;
    save({ id: instance, state: "active", order: call.orderId, done: [], password: randomBytes(8).toString("hex"), ...wire.defined({ productId, skuCode, amount, expireTime, customerName,
      mobilePhone: mobilePhone && wire.openSealed(KEY, mobilePhone), email: email && wire.openSealed(KEY, email) }), ...bought });
  }
  return instance;
}

// change alters an instance. What must happen once per order is noted in the same file as
// its effect, so both become durable in one rename.
function change(call, once, changes) {
  const it = load(call.instanceId);
  if (it && ((once && it.done.includes(once)) || (it.state === "released" && changes.state === "released"))) return {};
  if (!it || it.state === "released") {
    if (call.testFlag === "1") return {}; // interfaces are debugged in any order
    throw new Refusal("000003", "instance does not exist");
  }
  save({ ...it, ...wire.defined(changes), done: once ? [...it.done, once] : it.done });
  return {};
}

const done = (call, once) => load(call.instanceId)?.done.includes(once);

function entry(it, sealed) {
  const close = (text) => (sealed ? wire.seal(KEY, text) : text);
  return { frontEndUrl: `${SITE}/open/${it.id}`, adminUrl: SITE + "/admin", userName: close("admin"),
    password: close(it.password), memo: "请在首次登录后修改密码" };
}

function describe(call, sealed) {
  const found = call.instanceId.split(",").map(load).filter((it) => it && it.state !== "released");
  if (!found.length) throw new Refusal("000003", "instance does not exist");
  return { info: found.map((it) => ({ instanceId: it.id, appInfo: entry(it, sealed) })), ...(sealed && { encryptType: "1" }) };
}

// --- The two generations ----------------------------------------------------------------

function need(call, table) {
  if (!Object.hasOwn(table, call.activity ?? "")) throw new Refusal("000002", "activity is unknown");
  for (const name of table[call.activity].split(" ")) if (!call[name]) throw new Refusal("000002", name + " is missing");
}

function oneOf(table, value, name) {
  if (!Object.hasOwn(table, value)) throw new Refusal("000002", name + " is unknown");
  return table[value];
}

const V1 = { newInstance: "customerId businessId orderId productId", refreshInstance: "instanceId orderId expireTime",
  expireInstance: "instanceId orderId", releaseInstance: "instanceId orderId", upgrade: "instanceId orderId skuCode productId",
  instanceStatus: "instanceId instanceStatus", queryInstance: "instanceId" };

async function v1(rawQuery) {
  const call = wire.verifyV1(KEY, rawQuery);
  if (!call) throw new Refusal("000001", "authToken is missing or wrong");
  const [, ...t] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(call.timeStamp) ?? [];
  const sent = Date.UTC(t[0], t[1] - 1, ...t.slice(2)); // UTC; V1 names no window, 5 minutes is kind
  if (!(Math.abs(Date.now() - sent) <= 5 * 60000)) throw new Refusal("000002", "timeStamp is malformed or too far from the clock, which is UTC");
  need(call, V1);
  const { orderId, productId, skuCode, amount, diskSize, bandWidth, expireTime } = call;
  switch (call.activity) {
    case "newInstance": { // one pay-per-use order makes an instance for each billing item
      const instanceId = await create(`v1/${orderId}` + (call.chargingMode === "0" ? "/" + productId : ""), call, () => ({}));
      return { instanceId, encryptType: "1", appInfo: entry(load(instanceId), true) };
    }
    case "refreshInstance": return change(call, "renew/" + orderId, { state: "active", expireTime, productId }); // a renewal also thaws
    case "expireInstance": return change(call, "", { state: "frozen" }); // every year with the same orderId: never "once per order"
    case "releaseInstance": return change(call, "", { state: "released" });
    case "upgrade": return change(call, "upgrade/" + orderId, { skuCode, productId, amount, diskSize, bandWidth }); // the new totals
    case "instanceStatus": return change(call, "", { state: oneOf({ FREEZE: "frozen", NORMAL: "active" }, call.instanceStatus, "instanceStatus") });
    default: return describe(call, true);
  }
}

const V2 = { newInstance: "orderId orderLineId businessId", refreshInstance: "instanceId orderId orderLineId scene expireTime",
  updateInstanceStatus: "instanceId status", releaseInstance: "instanceId", upgradeInstance: "instanceId orderId orderLineId",
  changeInstanceCheck: "instanceId productInfo", queryInstance: "instanceId" };
const SCENES = { TRIAL_TO_FORMAL: 1, RENEWAL: 1, UNSUBSCRIBE_RENEWAL_PERIOD: 1, RENEWAL_CHANGE: 1 };
const nonces = new Map(); // nonce → when seen

async function v2(rawQuery, body, key, notify) {
  const { nonce, refused } = wire.verifyV2(key, rawQuery, body, Date.now());
  if (refused) throw new Refusal(...refused);
  for (const [old, seen] of nonces) if (Date.now() - seen > 120000) nonces.delete(old); else break; // oldest first
  if (nonces.has(nonce)) throw new Refusal("000002", "nonce was used before");
  nonces.set(nonce, Date.now());
  let call, product;
  try {
    call = Object.assign(Object.create(null), JSON.parse(body.toString("utf8")));
    product = typeof call.productInfo === "string" ? JSON.parse(call.productInfo) : call.productInfo;
  } catch {
    throw new Refusal("000002", "body is not a JSON object");
  }
  for (const name in call) if (name !== "productInfo" && call[name] !== null) call[name] = String(call[name]);
  need(call, notify ? { orderNotify: "orderId orderLineId" } : V2);
  const { orderId, orderLineId, expireTime, productId } = call, once = `${call.activity}/${orderId}/${orderLineId}`;
  switch (call.activity) {
    case "newInstance": return { instanceId: await create(`v2/${orderId}/${orderLineId}`, call, () => readOrder(call)) };
    case "refreshInstance": {
      oneOf(SCENES, call.scene, "scene");
      const bought = call.scene === "RENEWAL_CHANGE" && !done(call, once) ? await readOrder(call) : {};
      return change(call, once, { productId, ...bought, expireTime });
    }
    case "updateInstanceStatus": // V2 has no expireInstance: this is it
      return change(call, "", { state: oneOf({ FREEZE: "frozen", UNFREEZE: "active" }, call.status, "status") });
    case "releaseInstance": return change(call, "", { state: "released" });
    case "upgradeInstance": return change(call, once, done(call, once) ? {} : await readOrder(call));
    case "changeInstanceCheck":
      if (product === null || typeof product !== "object" || Array.isArray(product)) throw new Refusal("000002", "productInfo is malformed");
      return change(call, "", {}); // here you would refuse a size below what is in use
    case "orderNotify": await readOrder(call); return {}; // a notice holds ids only; here you would book the order
    default: return describe(call, false);
  }
}

async function answer(request, response) {
  const [path, query = ""] = request.url.split(/\?(.*)/s), notify = path === "/notify", v1Call = request.method === "GET" && path === "/produce";
  if (!v1Call && !(request.method === "POST" && (path === "/produce" || notify))) return response.writeHead(404).end();
  const chunks = [];
  let size = 0, result;
  for await (const chunk of request) if ((size += chunk.length) <= 65536) chunks.push(chunk);
  try {
    if (size > 65536) throw new Refusal("000002", "body is too long");
    result = { resultCode: "000000", resultMsg: "success.", ...(v1Call ? await v1(query) : await v2(query, Buffer.concat(chunks), notify ? NOTIFY_KEY : KEY, notify)) };
  } catch (problem) {
    if (!(problem instanceof Refusal)) console.error("internal error:", problem); // never show its text to the caller
    result = problem instanceof Refusal ? { resultCode: problem.code, resultMsg: problem.message } : { resultCode: "000005", resultMsg: "internal error" };
  }
  const body = Buffer.from(JSON.stringify(result)); // signed and written: the same bytes
  response.writeHead(200, { "Content-Type": "application/json;charset=UTF-8", "Content-Length": body.length, // refusals too
    ...(v1Call && { "Body-Sign": `sign_type="HMAC-SHA256", signature="${wire.bodySignature(KEY, body)}"` }) }).end(body);
}

if (process.argv[2] === "vectors") process.exit(wire.check(process.argv[3]));
if (!KEY) throw new Error("KEY is not set");
mkdirSync(DATA, { recursive: true, mode: 0o700 });
const [host, port] = LISTEN.split(/:(?=\d+$)/);
const server = createServer((request, response) => answer(request, response).catch(() => response.destroy()));
server.listen(Number(port), host, () => console.log(`listening on http://${host}:${server.address().port}/produce`));
