// A small seller's server: production interface V1.0 (GET) and V2.0 (POST), order notice.
//
// Needs a JDK 17 and Jackson. Run: KEY=… ./run.sh
// Configuration (environment): KEY, LISTEN, DATA, SITE, NOTIFY_KEY, MARKETPLACE + AK + SK.
import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

public final class Seller {
    static String setting(String name, String otherwise) { return System.getenv().getOrDefault(name, otherwise); }

    static final String KEY = setting("KEY", ""), NOTIFY_KEY = setting("NOTIFY_KEY", KEY), MARKETPLACE = setting("MARKETPLACE", "");
    static final String SITE = setting("SITE", "https://shop.example.com"); // where buyers find their instance
    static final Path DATA = Path.of(setting("DATA", "seller-data"));

    /** Answers a call with a result code. */
    static final class Refusal extends Exception {
        final String code;

        Refusal(String code, String message) {
            super(message);
            this.code = code;
        }
    }

    // --- The business: one JSON file per instance ---------------------------------------

    /** State is active, frozen or released; done holds what must not happen twice. */
    record Instance(String id, String state, List<String> done, Map<String, String> values) {
        boolean gone() { return state.equals("released"); }
    }

    static Path pathOf(String instance) throws Exception { return DATA.resolve(Wire.sha256(instance.getBytes(UTF_8)).substring(0, 32) + ".json"); }

    static Instance load(String instance) throws Exception {
        Path path = pathOf(instance);
        return Files.exists(path) ? Wire.JSON.readValue(Files.readAllBytes(path), Instance.class) : null;
    }

    /** Durable and whole: temporary file, force, rename, force of the directory. */
    static void save(Instance it) throws Exception {
        Path path = pathOf(it.id()), temporary = path.resolveSibling(path.getFileName() + ".tmp");
        try (var file = FileChannel.open(temporary, CREATE, WRITE, TRUNCATE_EXISTING)) {
            for (var bytes = ByteBuffer.wrap(Wire.JSON.writeValueAsBytes(it)); bytes.hasRemaining(); ) file.write(bytes);
            file.force(true);
        }
        Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
        try (var directory = FileChannel.open(DATA, READ)) { directory.force(true); }
    }

    static boolean test(Map<String, String> call) { return "1".equals(call.get("testFlag")); }

    /** V2 sends ids only. Debugging orders are not asked for. */
    static Map<String, String> readOrder(Map<String, String> call) throws Exception {
        return MARKETPLACE.isEmpty() || test(call) ? Map.of()
            : Wire.queryOrder(MARKETPLACE, setting("AK", ""), setting("SK", ""), call.get("orderId"), call.get("orderLineId"));
    }

    /** Makes the instance of an order. Its id is a function of the order, never of the
     *  businessId (new in every call): so no repetition can ever name another instance. */
    static String create(String orderKey, Map<String, String> call, Callable<Map<String, String>> order) throws Exception {
        String id = "i-" + Wire.sha256(((test(call) ? "test/" : "") + orderKey).getBytes(UTF_8)).substring(0, 32);
        Map<String, String> bought = load(id) == null ? order.call() : Map.of();
        synchronized (Seller.class) { // one process; with several, lock a file
            if (load(id) != null) return id;
            // Here you would make what was bought, unless testFlag is 1.
            var values = of(call, "orderId", "productId", "skuCode", "amount", "expireTime", "customerName");
            for (String name : List.of("mobilePhone", "email")) {
                String plain = call.containsKey(name) ? Wire.openSealed(KEY, call.get(name), 256) : null;
                if (plain != null) values.put(name, plain);
            }
            values.put("password", HexFormat.of().toHexDigits(new SecureRandom().nextLong()));
            values.putAll(bought);
            save(new Instance(id, "active", List.of(), values));
        }
        return id;
    }

    /** Alters an instance. What must happen once per order is noted in the same file as
     *  its effect, so both become durable in one rename. A null state stays as it is. */
    static synchronized Map<String, Object> change(Map<String, String> call, String once, String state, Map<String, String> values) throws Exception {
        Instance it = load(call.get("instanceId"));
        if (it != null && (it.done().contains(once) || it.gone() && "released".equals(state))) return Map.of();
        if (it == null || it.gone()) {
            if (test(call)) return Map.of(); // interfaces are debugged in any order
            throw new Refusal("000003", "instance does not exist");
        }
        var done = new ArrayList<>(it.done());
        if (!once.isEmpty()) done.add(once);
        it.values().putAll(values);
        save(new Instance(it.id(), state == null ? it.state() : state, done, it.values()));
        return Map.of();
    }

    static boolean done(Map<String, String> call, String once) throws Exception {
        Instance it = load(call.get("instanceId"));
        return it != null && it.done().contains(once);
    }

    static Map<String, String> of(Map<String, String> call, String... names) {
        var found = new LinkedHashMap<String, String>();
        for (String name : names) if (!call.getOrDefault(name, "").isEmpty()) found.put(name, call.get(name));
        return found;
    }

    static Map<String, String> entry(Instance it, boolean sealed) throws Exception {
        String user = "admin", password = it.values().get("password");
        return Map.of("frontEndUrl", SITE + "/open/" + it.id(), "adminUrl", SITE + "/admin", "memo", "请在首次登录后修改密码",
            "userName", sealed ? Wire.seal(KEY, user, 256, Wire.randomIV()) : user,
            "password", sealed ? Wire.seal(KEY, password, 256, Wire.randomIV()) : password);
    }

    static Map<String, Object> describe(Map<String, String> call, boolean sealed) throws Exception {
        var info = new ArrayList<Object>();
        for (String id : call.get("instanceId").split(",")) {
            Instance it = load(id);
            if (it != null && !it.gone()) info.add(Map.of("instanceId", id, "appInfo", entry(it, sealed)));
        }
        if (info.isEmpty()) throw new Refusal("000003", "instance does not exist");
        return sealed ? Map.of("info", info, "encryptType", "1") : Map.of("info", info);
    }

    // --- The two generations ------------------------------------------------------------

    static void need(Map<String, String> call, Map<String, String> table) throws Refusal {
        String names = table.get(call.getOrDefault("activity", ""));
        if (names == null) throw new Refusal("000002", "activity is unknown");
        for (String name : names.split(" ")) if (call.getOrDefault(name, "").isEmpty()) throw new Refusal("000002", name + " is missing");
    }

    static String oneOf(Map<String, String> table, String value, String name) throws Refusal {
        if (!table.containsKey(value)) throw new Refusal("000002", name + " is unknown");
        return table.get(value);
    }

    static final Map<String, String> V1 = Map.of("newInstance", "customerId businessId orderId productId", "refreshInstance", "instanceId orderId expireTime",
        "expireInstance", "instanceId orderId", "releaseInstance", "instanceId orderId", "upgrade", "instanceId orderId skuCode productId",
        "instanceStatus", "instanceId instanceStatus", "queryInstance", "instanceId");
    static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("uuuuMMddHHmmssSSS");

    static Map<String, Object> v1(String rawQuery) throws Exception {
        Map<String, String> call = Wire.verifyV1(KEY, rawQuery);
        if (call == null) throw new Refusal("000001", "authToken is missing or wrong");
        Instant sent; // UTC; V1 names no window, 5 minutes is kind
        try { sent = LocalDateTime.parse(call.get("timeStamp"), STAMP).toInstant(ZoneOffset.UTC); }
        catch (RuntimeException e) { throw new Refusal("000002", "timeStamp is malformed"); }
        if (Duration.between(sent, Instant.now()).abs().toMinutes() >= 5) throw new Refusal("000002", "timeStamp is too far from the clock, which is UTC");
        need(call, V1);
        switch (call.get("activity")) {
            case "newInstance": { // one pay-per-use order makes an instance for each billing item
                String item = "0".equals(call.get("chargingMode")) ? "/" + call.get("productId") : "";
                String id = create("v1/" + call.get("orderId") + item, call, Map::of);
                return Map.of("instanceId", id, "encryptType", "1", "appInfo", entry(load(id), true));
            }
            case "refreshInstance": // a renewal also thaws
                return change(call, "renew/" + call.get("orderId"), "active", of(call, "expireTime", "productId"));
            case "expireInstance": // every year with the same orderId: never "once per order"
                return change(call, "", "frozen", Map.of());
            case "releaseInstance":
                return change(call, "", "released", Map.of());
            case "upgrade": // amounts are the new totals
                return change(call, "upgrade/" + call.get("orderId"), null, of(call, "skuCode", "productId", "amount", "diskSize", "bandWidth"));
            case "instanceStatus":
                return change(call, "", oneOf(Map.of("FREEZE", "frozen", "NORMAL", "active"), call.get("instanceStatus"), "instanceStatus"), Map.of());
            default:
                return describe(call, true);
        }
    }

    static final Map<String, String> V2 = Map.of("newInstance", "orderId orderLineId businessId", "refreshInstance", "instanceId orderId orderLineId scene expireTime",
        "updateInstanceStatus", "instanceId status", "releaseInstance", "instanceId", "upgradeInstance", "instanceId orderId orderLineId",
        "changeInstanceCheck", "instanceId productInfo", "queryInstance", "instanceId");
    static final Set<String> SCENES = Set.of("TRIAL_TO_FORMAL", "RENEWAL", "UNSUBSCRIBE_RENEWAL_PERIOD", "RENEWAL_CHANGE");
    static final Map<String, Long> NONCES = new ConcurrentHashMap<>(); // nonce → when seen

    static Map<String, Object> v2(String rawQuery, byte[] body, String key, boolean notify) throws Exception {
        long now = System.currentTimeMillis();
        Wire.Verified verified = Wire.verifyV2(key, rawQuery, body, now);
        if (!verified.code().isEmpty()) throw new Refusal(verified.code(), verified.why());
        NONCES.values().removeIf(seen -> now - seen > 120_000);
        if (NONCES.putIfAbsent(verified.nonce(), now) != null) throw new Refusal("000002", "nonce was used before");
        JsonNode json, product;
        try {
            json = Wire.JSON.readTree(body);
            product = json.path("productInfo").isTextual() ? Wire.JSON.readTree(json.path("productInfo").asText()) : json.path("productInfo");
        } catch (IOException e) { throw new Refusal("000002", "body is not JSON"); }
        if (!json.isObject()) throw new Refusal("000002", "body is not a JSON object");
        var call = new HashMap<String, String>();
        json.fields().forEachRemaining(m -> { if (!m.getValue().isNull()) call.put(m.getKey(), m.getValue().isValueNode() ? m.getValue().asText() : m.getValue().toString()); });
        need(call, notify ? Map.of("orderNotify", "orderId orderLineId") : V2);
        String order = call.get("orderId") + "/" + call.get("orderLineId"), once = call.get("activity") + "/" + order;
        switch (call.get("activity")) {
            case "newInstance":
                return Map.of("instanceId", create("v2/" + order, call, () -> readOrder(call)));
            case "refreshInstance": {
                if (!SCENES.contains(call.get("scene"))) throw new Refusal("000002", "scene is unknown");
                var values = of(call, "productId");
                if (call.get("scene").equals("RENEWAL_CHANGE") && !done(call, once)) values.putAll(readOrder(call));
                values.put("expireTime", call.get("expireTime"));
                return change(call, once, null, values);
            }
            case "updateInstanceStatus": // V2 has no expireInstance: this is it
                return change(call, "", oneOf(Map.of("FREEZE", "frozen", "UNFREEZE", "active"), call.get("status"), "status"), Map.of());
            case "releaseInstance":
                return change(call, "", "released", Map.of());
            case "upgradeInstance":
                return change(call, once, null, done(call, once) ? Map.of() : readOrder(call));
            case "changeInstanceCheck":
                if (product == null || !product.isObject()) throw new Refusal("000002", "productInfo is malformed");
                return change(call, "", null, Map.of()); // here you would refuse a size below what is in use
            case "orderNotify":
                readOrder(call); // a notice holds ids only; here you would book the order
                return Map.of();
            default:
                return describe(call, false);
        }
    }

    // --- Answering ----------------------------------------------------------------------

    static void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getRawPath(), query = exchange.getRequestURI().getRawQuery(); // raw: getQuery() is decoded already
            boolean notify = path.equals("/notify"), get = exchange.getRequestMethod().equals("GET") && path.equals("/produce");
            if (!get && !(exchange.getRequestMethod().equals("POST") && (notify || path.equals("/produce")))) {
                exchange.sendResponseHeaders(404, -1);
                return;
            }
            var result = new LinkedHashMap<String, Object>(Map.of("resultCode", "000000", "resultMsg", "success."));
            try {
                byte[] body = exchange.getRequestBody().readNBytes(65537);
                if (body.length > 65536) throw new Refusal("000002", "body is too long");
                result.putAll(get ? v1(query) : v2(query, body, notify ? NOTIFY_KEY : KEY, notify));
            } catch (Refusal refusal) {
                result.putAll(Map.of("resultCode", refusal.code, "resultMsg", refusal.getMessage()));
            } catch (Exception problem) { // never show its text to the caller
                System.err.println("internal error: " + problem);
                result.putAll(Map.of("resultCode", "000005", "resultMsg", "internal error"));
            }
            byte[] body = Wire.JSON.writeValueAsBytes(result); // signed and written: the same bytes
            exchange.getResponseHeaders().set("Content-Type", "application/json;charset=UTF-8");
            try {
                if (get) exchange.getResponseHeaders().set("Body-Sign", "sign_type=\"HMAC-SHA256\", signature=\"" + Wire.bodySignature(KEY, body) + "\"");
            } catch (java.security.GeneralSecurityException e) { throw new IOException(e); }
            exchange.sendResponseHeaders(200, body.length); // refusals too
            exchange.getResponseBody().write(body);
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 2 && args[0].equals("vectors")) System.exit(Wire.check(Path.of(args[1])));
        if (KEY.isEmpty()) throw new IllegalStateException("KEY is not set");
        Files.createDirectories(DATA, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        String[] listen = setting("LISTEN", "127.0.0.1:8085").split(":(?=[0-9]+$)");
        System.setProperty("sun.net.httpserver.nodelay", "true"); // else head and body wait 40 ms for each other
        HttpServer server = HttpServer.create(new InetSocketAddress(listen[0], Integer.parseInt(listen[1])), 128);
        server.createContext("/", Seller::answer);
        server.setExecutor(Executors.newFixedThreadPool(32));
        server.start();
        System.out.println("listening on http://" + listen[0] + ":" + server.getAddress().getPort() + "/produce");
    }
}
