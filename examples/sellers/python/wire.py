"""The wire of the production interface: signatures, encryption, the order query."""
import base64, hashlib, hmac, json, secrets, time, urllib.request
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


def v2_signature(key, nonce, timestamp, body):
    inner = mac(key, body).hexdigest()  # lower case; of the raw bytes, not of re-written JSON
    return mac(key, (key + nonce + timestamp + inner).encode()).hexdigest().upper()


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
    lines += ["", ";".join(sorted(signed)), hashlib.sha256(body).hexdigest()]
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
