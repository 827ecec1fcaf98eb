// The wire of the production interface: signatures, encryption, the order query.
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

// V2 request: the raw bytes. JSON.stringify(JSON.parse(body)) would reorder names that look like numbers.
export const v2Signature = (key, nonce, timestamp, body) =>
  hmac(key, key + nonce + timestamp + hmac(key, body, "hex"), "hex").toUpperCase();

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
  const pairs = [...new URLSearchParams(query)].sort((a, b) => order(a[0], b[0]) || order(encode(a[1]), encode(b[1])));
  const names = [...signed].sort();
  const canonical = [method, uri.endsWith("/") ? uri : uri + "/", pairs.map(([n, v]) => encode(n) + "=" + encode(v)).join("&"),
    ...names.map((name) => name + ":" + headers[name].trim()), "", names.join(";"), sha256(body)].join("\n");
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
