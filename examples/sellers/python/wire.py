"""The wire of the production interface: signatures, encryption, the order query."""
import base64, hashlib, hmac, json, re, secrets, time, urllib.request
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def mac(key, message):
    return hmac.new(key.encode(), message, hashlib.sha256)


def auth_token(params, key):
    """V1 request: decoded values, names in ascending order, empty values stay."""
    text = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "authToken")
    return base64.b64encode(mac(key + params.get("timeStamp", ""), text.encode()).digest()).decode()


def body_signature(key, body):
    """V1 answer: the access key alone, over the bytes that are written."""
    return base64.b64encode(mac(key, body).digest()).decode()


def verify_v1(key, raw_query):
    """The call, or None when the marketplace did not make it."""
    try:
        pairs = parse_qsl(raw_query, keep_blank_values=True, errors="strict")
    except ValueError:
        return None
    call = dict(reversed(pairs))  # the first value of each name counts
    token = call.pop("authToken", "")
    genuine = hmac.compare_digest(auth_token(call, key).encode(), token.encode())
    return call if genuine and call.get("timeStamp") else None


def v2_signature(key, nonce, timestamp, body):
    inner = mac(key, body).hexdigest()  # lower case; of the raw bytes, not of re-written JSON
    return mac(key, (key + nonce + timestamp + inner).encode()).hexdigest().upper()


def verify_v2(key, raw_query, body, now):
    """(nonce, None), or (None, why not); now is in milliseconds."""
    query = dict(reversed(parse_qsl(raw_query)))
    stamp, nonce, signature = (query.get(name, "") for name in ("timestamp", "nonce", "signature"))
    if not re.fullmatch(r"[1-9][0-9]{12}", stamp) or abs(now - int(stamp)) > 60000:
        return None, ("000002", "timestamp is missing, malformed or more than 60 s off")
    if not nonce:
        return None, ("000002", "nonce is missing")
    if not hmac.compare_digest(v2_signature(key, nonce, stamp, body).encode(), signature.upper().encode()):
        return None, ("000001", "signature is missing or wrong")
    return nonce, None


def derive_key(key, bits):
    """What Java's SHA1PRNG gives when seeded with the access key. Mind the signed bytes."""
    signed = lambda byte: byte - 256 if byte > 127 else byte
    state, stream = bytearray(hashlib.sha1(key.encode()).digest()), b""
    while len(stream) < bits // 8:
        out, carry, before = hashlib.sha1(state).digest(), 1, bytes(state)
        stream += out
        for i in range(20):
            total = signed(state[i]) + signed(out[i]) + carry
            state[i], carry = total & 255, total >> 8
        if state == before:
            state[0] = (state[0] + 1) & 255
    return stream[: bits // 8]


def seal(key, text, bits=256, iv=None):
    iv = iv or "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") for _ in range(16))
    padder = padding.PKCS7(128).padder()
    cipher = Cipher(algorithms.AES(derive_key(key, bits)), modes.CBC(iv.encode())).encryptor()
    padded = padder.update(text.encode()) + padder.finalize()
    return iv + base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()


def open_sealed(key, wire, bits=256):
    """The plain text, or None when it cannot be opened (usually the wrong key length)."""
    try:
        cipher = Cipher(algorithms.AES(derive_key(key, bits)), modes.CBC(wire[:16].encode("ascii"))).decryptor()
        unpadder = padding.PKCS7(128).unpadder()
        padded = cipher.update(base64.b64decode(wire[16:], validate=True)) + cipher.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError:
        return None


def aksk_signature(sk, method, target, headers, signed, body=b""):
    """SDK-HMAC-SHA256 over the request line's target and the headers named in signed."""
    path, _, query = target.partition("?")
    uri = "/".join(quote(unquote(part), safe="") for part in path.split("/"))
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    lines = [method, uri if uri.endswith("/") else uri + "/"]
    lines.append("&".join(quote(name, safe="") + "=" + quote(value, safe="") for name, value in pairs))
    lines += [f"{name}:{headers[name].strip()}" for name in sorted(signed)]
    lines += ["", ";".join(sorted(signed)), headers.get("x-sdk-content-sha256") or hashlib.sha256(body).hexdigest()]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return mac(sk, f"SDK-HMAC-SHA256\n{headers['x-sdk-date']}\n{digest}".encode()).hexdigest()


def query_order(marketplace, ak, sk, order_id, line_id):
    """What V2 does not send: product and size of an order line."""
    base = urlsplit(marketplace)
    target = (base.path.rstrip("/") + "/api/mkp-openapi-public/global/v1/order/query"
              f"?orderId={quote(order_id, safe='')}&orderLineId={quote(line_id, safe='')}")
    headers = {"host": base.netloc, "x-sdk-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())}
    signature = aksk_signature(sk, "GET", target, headers, ["host", "x-sdk-date"])
    request = urllib.request.Request(f"{base.scheme}://{base.netloc}{target}", headers={
        "X-Sdk-Date": headers["x-sdk-date"], "Content-Type": "application/json",
        "Authorization": f"SDK-HMAC-SHA256 Access={ak}, SignedHeaders=host;x-sdk-date, Signature={signature}"})
    with urllib.request.urlopen(request, timeout=4) as answer:  # the marketplace waits 5 s for us
        order = json.load(answer)
    for line in (order.get("orderInfo") or {}).get("orderLine") or []:
        if line["orderLineId"] == line_id:
            product = line["productInfo"][0]
            found = {"productId": product["productId"], "skuCode": product["skuCode"], "amount": product.get("linearValue"),
                     "expireTime": line.get("expireTime")}
            return {name: str(value) for name, value in found.items() if value}
    raise RuntimeError(f"order {order_id} is not to be had: {order.get('resultCode')}")


# --- The shared vectors -----------------------------------------------------------------

def compute(v):
    """What this file makes of a vector; None for kinds that it does not know."""
    key, kind, body = v.get("key", ""), v["kind"], v.get("body", "").encode()
    if kind == "v1-token":
        return auth_token(dict(parse_qsl(v["query"], keep_blank_values=True)), key)
    if kind == "v1-verify":
        return "000001" if verify_v1(key, v["query"]) is None else ""
    if kind == "v2-signature":
        return v2_signature(key, v["nonce"], v["timestamp"], body)
    if kind == "v2-verify":
        return (verify_v2(key, v["query"], body, int(v["now"]))[1] or ("",))[0]
    if kind == "body-sign":
        return body_signature(key, body)
    if kind == "answer":
        app = json.loads(body)["appInfo"]
        opened = [open_sealed(key, app[name]) for name in ("userName", "password")] == [v["plain"]["user_name"], v["plain"]["password"]]
        return body_signature(key, body) if opened else "not opened"
    if kind == "aes-key":
        return derive_key(key, v["bits"]).hex()
    if kind == "seal":
        return seal(key, v.get("plain", ""), v["bits"], v["iv"])
    if kind == "open":
        return open_sealed(key, v.get("wire", ""), v["bits"]) or ""
    if kind == "percent-encoding":
        return quote(v["plain"], safe="")
    if kind == "aksk" and not v.get("double_path"):
        headers = {**{name.lower(): value for name, value in v["header"].items()}, "host": v.get("host", "")}
        return aksk_signature(key, v["method"], v.get("target", ""), headers, v["signed"], body)
    return None


def check(path):
    """Compares every vector; the exit code."""
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    held, wrong, skipped = 0, 0, set()
    for v in vectors:
        got = compute(v)
        if got is None:
            skipped.add(v["kind"] + " with double_path" * ("double_path" in v))
        elif (got == v["expected"]) == (v["valid"] or v["kind"].endswith("-verify")):
            held += 1
        else:
            wrong += 1
            print(f"{v['kind']} {v['name']!r}: {got!r}, expected {v['expected']!r}, valid {v['valid']}")
    print(f"{held} vectors hold, {wrong} do not; kinds skipped: {', '.join(sorted(skipped))}")
    return 1 if wrong or not held else 0
