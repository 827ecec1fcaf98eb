#!/usr/bin/env python3
"""A small seller's server: production interface V1.0 (GET) and V2.0 (POST), order notice.

Needs Python 3.9 and the package cryptography. Run: KEY=… ./seller.py
Configuration (environment): KEY, LISTEN, DATA, SITE, NOTIFY_KEY, MARKETPLACE + AK + SK.
"""
import datetime, hashlib, json, os, re, secrets, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import wire

KEY = os.environ.get("KEY", "")
NOTIFY_KEY = os.environ.get("NOTIFY_KEY", KEY)
LISTEN = os.environ.get("LISTEN", "127.0.0.1:8082")
DATA = os.environ.get("DATA", "seller-data")
SITE = os.environ.get("SITE", "https://shop.example.com")  # where buyers find their instance
MARKETPLACE, AK, SK = (os.environ.get(name, "") for name in ("MARKETPLACE", "AK", "SK"))


# --- The business: one JSON file per instance -------------------------------------------

class Refusal(Exception):
    """Answers a call with a result code."""


LOCK = threading.Lock()  # one process; with several, lock a file


def path_of(instance):
    return os.path.join(DATA, hashlib.sha256(instance.encode()).hexdigest()[:32] + ".json")


def load(instance):
    try:
        with open(path_of(instance), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def save(it):
    """Durable and whole: temporary file, fsync, rename, fsync of the directory."""
    path = path_of(it["id"])
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(it, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)
    directory = os.open(DATA, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def read_order(call):
    """V2 sends ids only. Debugging orders are not asked for."""
    if not MARKETPLACE or call.get("testFlag") == "1":
        return {}
    return wire.query_order(MARKETPLACE, AK, SK, call["orderId"], call["orderLineId"])


def create(order_key, call, order):
    """Makes the instance of an order. Its id is a function of the order, never of the
    businessId (new in every call): so no repetition can ever name another instance."""
    key = ("test/" if call.get("testFlag") == "1" else "") + order_key
    instance = "i-" + hashlib.sha256(key.encode()).hexdigest()[:32]
    bought = order() if load(instance) is None else {}
    with LOCK:
        if load(instance) is None:
            # Here you would make what was bought, unless testFlag is 1.
            wanted = {name: call[name] for name in ("productId", "skuCode", "amount", "expireTime", "customerName") if call.get(name)}
            contact = {name: wire.open_sealed(KEY, call[name]) for name in ("mobilePhone", "email") if call.get(name)}
            save({"id": instance, "state": "active", "order": call["orderId"], "done": [],
                  "password": secrets.token_hex(8), **wanted, **contact, **bought})
    return instance


def change(call, once="", **changes):
    """Alters an instance. What must happen once per order is noted in the same file as
    its effect, so both become durable in one rename."""
    with LOCK:
        it = load(call["instanceId"])
        if it and (once and once in it["done"] or it["state"] == changes.get("state") == "released"):
            return {}
        if it is None or it["state"] == "released":
            if call.get("testFlag") == "1":
                return {}  # interfaces are debugged in any order
            raise Refusal("000003", "instance does not exist")
        it.update({name: value for name, value in changes.items() if value})
        it["done"] += [once] if once else []
        save(it)
    return {}


def done(call, once):
    return once in (load(call["instanceId"]) or {"done": []})["done"]


def entry(it, sealed):
    close = (lambda text: wire.seal(KEY, text)) if sealed else (lambda text: text)
    return {"frontEndUrl": f"{SITE}/open/{it['id']}", "adminUrl": SITE + "/admin", "userName": close("admin"),
            "password": close(it["password"]), "memo": "请在首次登录后修改密码"}


def describe(call, sealed):
    found = [it for it in map(load, call["instanceId"].split(",")) if it and it["state"] != "released"]
    if not found:
        raise Refusal("000003", "instance does not exist")
    return {"info": [{"instanceId": it["id"], "appInfo": entry(it, sealed)} for it in found], **({"encryptType": "1"} if sealed else {})}


# --- The two generations ----------------------------------------------------------------

def need(call, names):
    for name in names.split():
        if not call.get(name):
            raise Refusal("000002", name + " is missing")


V1_NEED = {"newInstance": "customerId businessId orderId productId", "refreshInstance": "instanceId orderId expireTime",
           "expireInstance": "instanceId orderId", "releaseInstance": "instanceId orderId", "instanceStatus": "instanceId instanceStatus",
           "upgrade": "instanceId orderId skuCode productId", "queryInstance": "instanceId"}
V2_NEED = {"newInstance": "orderId orderLineId businessId", "refreshInstance": "instanceId orderId orderLineId scene expireTime",
           "updateInstanceStatus": "instanceId status", "releaseInstance": "instanceId", "upgradeInstance": "instanceId orderId orderLineId",
           "changeInstanceCheck": "instanceId productInfo", "queryInstance": "instanceId", "orderNotify": "orderId orderLineId"}


def v1(raw_query):
    call = wire.verify_v1(KEY, raw_query)
    if call is None:
        raise Refusal("000001", "authToken is missing or wrong")
    stamp = call["timeStamp"]  # UTC; V1 names no window, 5 minutes is kind
    if not re.fullmatch(r"[0-9]{17}", stamp):
        raise Refusal("000002", "timeStamp is malformed")
    try:
        sent = datetime.datetime.strptime(stamp[:14] + "+0000", "%Y%m%d%H%M%S%z").timestamp()
    except ValueError:
        raise Refusal("000002", "timeStamp is malformed")
    if abs(time.time() - sent) > 5 * 60:
        raise Refusal("000002", "timeStamp is too far from the clock, which is UTC")
    activity = call.get("activity")
    if activity not in V1_NEED:
        raise Refusal("000002", "activity is unknown")
    need(call, V1_NEED[activity])
    if activity == "newInstance":
        # One pay-per-use order makes an instance for each billing item.
        instance = create(f"v1/{call['orderId']}" + ("/" + call["productId"] if call.get("chargingMode") == "0" else ""), call, dict)
        return {"instanceId": instance, "encryptType": "1", "appInfo": entry(load(instance), True)}
    if activity == "refreshInstance":  # a renewal also thaws
        return change(call, "renew/" + call["orderId"], state="active", expireTime=call["expireTime"], productId=call.get("productId"))
    if activity == "expireInstance":  # every year with the same orderId: never "once per order"
        return change(call, state="frozen")
    if activity == "releaseInstance":
        return change(call, state="released")
    if activity == "upgrade":  # amounts are the new totals
        return change(call, "upgrade/" + call["orderId"], **{n: call.get(n) for n in ("skuCode", "productId", "amount", "diskSize", "bandWidth")})
    if activity == "instanceStatus":
        state = {"FREEZE": "frozen", "NORMAL": "active"}.get(call["instanceStatus"])
        if not state:
            raise Refusal("000002", "instanceStatus is unknown")
        return change(call, state=state)
    return describe(call, True)


NONCES = {}  # nonce → when seen


def v2(raw_query, body, key, notify):
    nonce, refused = wire.verify_v2(key, raw_query, body, time.time() * 1000)
    if refused:
        raise Refusal(*refused)
    with LOCK:
        for old in [n for n, seen in NONCES.items() if time.time() - seen > 120]:
            del NONCES[old]
        if nonce in NONCES:
            raise Refusal("000002", "nonce was used before")
        NONCES[nonce] = time.time()
    try:
        call = json.loads(body)
        product = call.get("productInfo")
        product = json.loads(product) if isinstance(product, str) else product
    except (ValueError, AttributeError):
        raise Refusal("000002", "body is not a JSON object")
    call = {name: value if isinstance(value, str) else json.dumps(value) for name, value in call.items() if value is not None}
    activity = call.get("activity")
    if activity not in V2_NEED or (activity == "orderNotify") != notify:
        raise Refusal("000002", "activity is unknown")
    need(call, V2_NEED[activity])
    once = f"{activity}/{call.get('orderId')}/{call.get('orderLineId')}"
    if activity == "newInstance":
        return {"instanceId": create(f"v2/{call['orderId']}/{call['orderLineId']}", call, lambda: read_order(call))}
    if activity == "refreshInstance":
        if call["scene"] not in ("TRIAL_TO_FORMAL", "RENEWAL", "UNSUBSCRIBE_RENEWAL_PERIOD", "RENEWAL_CHANGE"):
            raise Refusal("000002", "scene is unknown")
        bought = read_order(call) if call["scene"] == "RENEWAL_CHANGE" and not done(call, once) else {}
        return change(call, once, **{"productId": call.get("productId"), **bought, "expireTime": call["expireTime"]})
    if activity == "updateInstanceStatus":  # V2 has no expireInstance: this is it
        state = {"FREEZE": "frozen", "UNFREEZE": "active"}.get(call["status"])
        if not state:
            raise Refusal("000002", "status is unknown")
        return change(call, state=state)
    if activity == "releaseInstance":
        return change(call, state="released")
    if activity == "upgradeInstance":
        return change(call, once, **({} if done(call, once) else read_order(call)))
    if activity == "changeInstanceCheck":
        if not isinstance(product, dict):
            raise Refusal("000002", "productInfo is malformed")
        return change(call)  # here you would refuse a size below what is in use
    if activity == "orderNotify":
        read_order(call)  # a notice holds ids only; here you would book the order
        return {}
    return describe(call, False)


class Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1  # head and body leave in one piece

    def answer(self, act, signed):
        try:
            answer = {"resultCode": "000000", "resultMsg": "success.", **act()}
        except Refusal as refusal:
            answer = dict(zip(("resultCode", "resultMsg"), refusal.args))
        except Exception as problem:  # never show its text to the caller
            print("internal error:", repr(problem), file=sys.stderr, flush=True)
            answer = {"resultCode": "000005", "resultMsg": "internal error"}
        body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
        self.send_response(200)  # refusals too
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        if signed:
            self.send_header("Body-Sign", f'sign_type="HMAC-SHA256", signature="{wire.body_signature(KEY, body)}"')
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        return self.answer(lambda: v1(query), True) if path == "/produce" else self.send_error(404)

    def do_POST(self):
        path, _, query = self.path.partition("?")
        length = self.headers.get("Content-Length", "")
        if path not in ("/produce", "/notify") or not length.isdigit() or int(length) > 65536:
            self.close_connection = True
            return self.send_error(404 if path not in ("/produce", "/notify") else 413)
        body, notify = self.rfile.read(int(length)), path == "/notify"
        return self.answer(lambda: v2(query, body, NOTIFY_KEY if notify else KEY, notify), False)

    def log_request(self, code="-", size="-"):
        pass  # the request line holds tokens: keep it out of logs


class Server(ThreadingHTTPServer):
    request_queue_size, daemon_threads = 128, True


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "vectors":
        sys.exit(wire.check(sys.argv[2]))
    if not KEY:
        sys.exit("KEY is not set")
    os.makedirs(DATA, mode=0o700, exist_ok=True)
    host, _, port = LISTEN.rpartition(":")
    server = Server((host, int(port)), Handler)
    print(f"listening on http://{host}:{server.server_port}/produce", flush=True)
    server.serve_forever()
