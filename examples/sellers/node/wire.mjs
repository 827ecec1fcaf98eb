// The wire of the production interface: signatures, encryption, the order query.
import { readFileSync } from "node:fs";
import { createCipheriv, createDecipheriv, createHash, createHmac, randomInt, timingSafeEqual } from "node:crypto";

const hmac = (key, message, form) => createHmac("sha256", key).update(message).digest(form);
export const sha256 = (message) => createHash("sha256").update(message).digest("hex");

// same compares in constant time; timingSafeEqual alone throws when the lengths differ.
export const same = (a, b) => timingSafeEqual(Buffer.from(sha256(a)), Buffer.from(sha256(b)));

// V1 request: decoded values, names in ascending order, empty values stay.
export function authToken(params, key) {
  const names = Object.keys(params).filter((name) => name !== "authToken").sort();
  return hmac(key + (params.timeStamp ?? ""), names.map((name) => name + "=" + params[name]).join("&"), "base64");
}

// V1 answer: the access key alone, over the bytes that are written.
export const bodySignature = (key, body) => hmac(key, body, "base64");

// The first value of each name counts. No prototype: a parameter may be called anything.
export function parameters(rawQuery) {
  const call = Object.create(null);
  for (const [name, value] of new URLSearchParams(rawQuery)) call[name] ??= value;
  return call;
}

// The call, or null when the marketplace did not make it.
export function verifyV1(key, rawQuery) {
  const call = parameters(rawQuery);
  return call.timeStamp && same(authToken(call, key), call.authToken ?? "") ? call : null;
}

// V2 request: the raw bytes. JSON.stringify(JSON.parse(body)) would reorder names that look like numbers.
export const v2Signature = (key, nonce, timestamp, body) =>
  hmac(key, key + nonce + timestamp + hmac(key, body, "hex"), "hex").toUpperCase();

// { nonce }, or { refused } with the code and the reason; now is in milliseconds.
export function verifyV2(key, rawQuery, body, now) {
  const { timestamp = "", nonce, signature = "" } = parameters(rawQuery);
  if (!/^[1-9]\d{12}$/.test(timestamp) || Math.abs(now - Number(timestamp)) > 60000)
    return { refused: ["000002", "timestamp is missing, malformed or more than 60 s off"] };
  if (!nonce) return { refused: ["000002", "nonce is missing"] };
  if (!same(v2Signature(key, nonce, timestamp, body), signature.toUpperCase())) return { refused: ["000001", "signature is missing or wrong"] };
  return { nonce };
}

// What Java's SHA1PRNG gives when seeded with the access key. Mind the signed bytes.
export function deriveKey(key, bits) {
  const sha1 = (bytes) => createHash("sha1").update(bytes).digest();
  const state = sha1(key);
  let stream = Buffer.alloc(0);
  while (stream.length < bits / 8) {
    const out = sha1(state), before = Buffer.from(state);
    stream = Buffer.concat([stream, out]);
    for (let i = 0, carry = 1; i < 20; i++) {
      const total = state.readInt8(i) + out.readInt8(i) + carry;
      state[i] = total & 255;
      carry = total >> 8;
    }
    if (state.equals(before)) state[0] = (state[0] + 1) & 255;
  }
  return stream.subarray(0, bits / 8);
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const randomIV = () => Array.from({ length: 16 }, () => LETTERS[randomInt(LETTERS.length)]).join("");

export function seal(key, text, bits = 256, iv = randomIV()) {
  const cipher = createCipheriv(`aes-${bits}-cbc`, deriveKey(key, bits), iv);
  return iv + Buffer.concat([cipher.update(text, "utf8"), cipher.final()]).toString("base64");
}

// The plain text, or null when it cannot be opened (usually the wrong key length).
export function openSealed(key, wire, bits = 256) {
  try {
    const raw = Buffer.from(wire.slice(16), "base64"); // lenient, so compare with what it should have been
    if (raw.toString("base64") !== wire.slice(16) || raw.length === 0) return null;
    const cipher = createDecipheriv(`aes-${bits}-cbc`, deriveKey(key, bits), wire.slice(0, 16));
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat([cipher.update(raw), cipher.final()]));
  } catch {
    return null;
  }
}

// encodeURIComponent leaves five characters that the signature wants encoded.
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());

// SDK-HMAC-SHA256 over the request line's target and the headers named in signed.
export function akskSignature(sk, method, target, headers, signed, body = "") {
  const [path, query = ""] = target.split(/\?(.*)/s);
  const uri = path.split("/").map((part) => encode(decodeURIComponent(part))).join("/");
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const pairs = [...new URLSearchParams(query)].sort((a, b) => order(a[0], b[0]) || order(a[1], b[1]));
  const names = [...signed].sort();
  const canonical = [method, uri.endsWith("/") ? uri : uri + "/", pairs.map(([n, v]) => encode(n) + "=" + encode(v)).join("&"),
    ...names.map((name) => name + ":" + headers[name].trim()), "", names.join(";"), headers["x-sdk-content-sha256"] ?? sha256(body)].join("\n");
  return hmac(sk, ["SDK-HMAC-SHA256", headers["x-sdk-date"], sha256(canonical)].join("\n"), "hex");
}

// What V2 does not send: product and size of an order line.
export async function queryOrder(marketplace, ak, sk, orderId, lineId) {
  const base = new URL(marketplace);
  const target = base.pathname.replace(/\/$/, "") +
    `/api/mkp-openapi-public/global/v1/order/query?orderId=${encode(orderId)}&orderLineId=${encode(lineId)}`;
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const signature = akskSignature(sk, "GET", target, { host: base.host, "x-sdk-date": date }, ["host", "x-sdk-date"]);
  const answer = await fetch(base.origin + target, {
    redirect: "error", signal: AbortSignal.timeout(4000), // the marketplace waits 5 s for us
    headers: { "X-Sdk-Date": date, "Content-Type": "application/json",
      Authorization: `SDK-HMAC-SHA256 Access=${ak}, SignedHeaders=host;x-sdk-date, Signature=${signature}` },
  });
  const order = await answer.json();
  const line = order.orderInfo?.orderLine?.find((line) => line.orderLineId === lineId);
  if (!answer.ok || !line) throw new Error(`order ${orderId} is not to be had: HTTP ${answer.status} ${order.resultCode}`);
  const { productId, skuCode, linearValue } = line.productInfo[0];
  return defined({ productId, skuCode, amount: linearValue && String(linearValue), expireTime: line.expireTime });
}

// Without the members that are absent or empty.
export const defined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value));

// --- The shared vectors -----------------------------------------------------------------

// What this file makes of each kind of vector.
const kinds = {
  "v1-token": (v) => authToken(parameters(v.query), v.key),
  "v1-verify": (v) => (verifyV1(v.key, v.query) ? "" : "000001"),
  "v2-signature": (v) => v2Signature(v.key, v.nonce, v.timestamp, v.body),
  "v2-verify": (v) => verifyV2(v.key, v.query, Buffer.from(v.body), Number(v.now)).refused?.[0] ?? "",
  "body-sign": (v) => bodySignature(v.key, v.body),
  answer: (v) => {
    const app = JSON.parse(v.body).appInfo;
    const opened = openSealed(v.key, app.userName) === v.plain.user_name && openSealed(v.key, app.password) === v.plain.password;
    return opened ? bodySignature(v.key, v.body) : "not opened";
  },
  "aes-key": (v) => deriveKey(v.key, v.bits).toString("hex"),
  seal: (v) => seal(v.key, v.plain ?? "", v.bits, v.iv),
  open: (v) => openSealed(v.key, v.wire ?? "", v.bits) ?? "",
  "percent-encoding": (v) => encode(v.plain),
  aksk: (v) => akskSignature(v.key, v.method, v.target ?? "",
    { ...Object.fromEntries(Object.entries(v.header).map(([n, x]) => [n.toLowerCase(), x])), host: v.host }, v.signed, v.body),
};

// Compares every vector; the exit code.
export function check(path) {
  let held = 0, wrong = 0;
  const skipped = new Set();
  for (const v of JSON.parse(readFileSync(path, "utf8"))) {
    if (!kinds[v.kind] || v.double_path) {
      skipped.add(v.kind + (v.double_path ? " with double_path" : ""));
      continue;
    }
    const got = kinds[v.kind](v);
    if ((got === v.expected) === (v.valid || v.kind.endsWith("-verify"))) held++;
    else console.log(`${v.kind} "${v.name}": "${got}", expected "${v.expected}", valid ${v.valid}`, ++wrong);
  }
  console.log(`${held} vectors hold, ${wrong} do not; kinds skipped: ${[...skipped].sort().join(", ")}`);
  return wrong || !held ? 1 : 0;
}
