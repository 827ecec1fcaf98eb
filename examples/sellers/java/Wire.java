// The wire of the production interface: signatures, encryption, the order query.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

final class Wire {
    static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(4)).build(); // follows no redirect

    static byte[] mac(String key, byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256"); // not thread-safe: one per call
        mac.init(new SecretKeySpec(key.getBytes(UTF_8), "HmacSHA256"));
        return mac.doFinal(message);
    }

    static String hex(byte[] bytes) { return HexFormat.of().formatHex(bytes); }

    static String sha256(byte[] message) throws GeneralSecurityException {
        return hex(MessageDigest.getInstance("SHA-256").digest(message));
    }

    // same compares in constant time; String.equals stops at the first difference.
    static boolean same(String a, String b) { return MessageDigest.isEqual(a.getBytes(UTF_8), b.getBytes(UTF_8)); }

    // V1 request: decoded values, names in ascending order, empty values stay.
    static String authToken(Map<String, String> params, String key) throws GeneralSecurityException {
        var sorted = new TreeMap<>(params);
        sorted.remove("authToken");
        String text = sorted.entrySet().stream().map(p -> p.getKey() + "=" + p.getValue()).collect(Collectors.joining("&"));
        return Base64.getEncoder().encodeToString(mac(key + params.getOrDefault("timeStamp", ""), text.getBytes(UTF_8)));
    }

    // V1 answer: the access key alone, over the bytes that are written.
    static String bodySignature(String key, byte[] body) throws GeneralSecurityException {
        return Base64.getEncoder().encodeToString(mac(key, body));
    }

    /** The first value of each name counts. IllegalArgumentException: the query is malformed. */
    static Map<String, String> parameters(String rawQuery) {
        var call = new TreeMap<String, String>();
        for (String[] pair : pairs(rawQuery)) call.putIfAbsent(pair[0], pair[1]);
        return call;
    }

    // The call, or null when the marketplace did not make it.
    static Map<String, String> verifyV1(String key, String rawQuery) throws GeneralSecurityException {
        try {
            Map<String, String> call = parameters(rawQuery);
            return !call.getOrDefault("timeStamp", "").isEmpty() && same(authToken(call, key), call.getOrDefault("authToken", "")) ? call : null;
        } catch (IllegalArgumentException malformed) { return null; }
    }

    // V2 request: the raw bytes, not a map that was parsed and written again.
    static String v2Signature(String key, String nonce, String timestamp, byte[] body) throws GeneralSecurityException {
        String inner = hex(mac(key, body));
        return hex(mac(key, (key + nonce + timestamp + inner).getBytes(UTF_8))).toUpperCase(Locale.ROOT);
    }

    /** A nonce and an empty code, or the code and why. */
    record Verified(String nonce, String code, String why) {}

    // now is in milliseconds.
    static Verified verifyV2(String key, String rawQuery, byte[] body, long now) throws GeneralSecurityException {
        Map<String, String> query;
        try { query = parameters(rawQuery); } catch (IllegalArgumentException malformed) { query = Map.of(); }
        String stamp = query.getOrDefault("timestamp", ""), nonce = query.getOrDefault("nonce", "");
        if (!stamp.matches("[1-9][0-9]{12}") || Math.abs(now - Long.parseLong(stamp)) > 60_000)
            return new Verified(null, "000002", "timestamp is missing, malformed or more than 60 s off");
        if (nonce.isEmpty()) return new Verified(null, "000002", "nonce is missing");
        if (!same(v2Signature(key, nonce, stamp, body), query.getOrDefault("signature", "").toUpperCase(Locale.ROOT)))
            return new Verified(null, "000001", "signature is missing or wrong");
        return new Verified(nonce, "", "");
    }

    // The algorithm must be named: new SecureRandom() is another one, and its seed only adds to it.
    static byte[] deriveKey(String key, int bits) throws GeneralSecurityException {
        SecureRandom random = SecureRandom.getInstance("SHA1PRNG", "SUN");
        random.setSeed(key.getBytes(UTF_8));
        byte[] derived = new byte[bits / 8];
        random.nextBytes(derived);
        return derived;
    }

    private static byte[] aes(int mode, String key, int bits, String iv, byte[] data) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        cipher.init(mode, new SecretKeySpec(deriveKey(key, bits), "AES"), new IvParameterSpec(iv.getBytes(US_ASCII)));
        return cipher.doFinal(data);
    }

    static String randomIV() {
        String letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        return new SecureRandom().ints(16, 0, letters.length()).mapToObj(i -> letters.substring(i, i + 1)).collect(Collectors.joining());
    }

    static String seal(String key, String text, int bits, String iv) throws GeneralSecurityException {
        return iv + Base64.getEncoder().encodeToString(aes(Cipher.ENCRYPT_MODE, key, bits, iv, text.getBytes(UTF_8)));
    }

    // The plain text, or null when it cannot be opened (usually the wrong key length).
    static String openSealed(String key, String wire, int bits) {
        try {
            byte[] plain = aes(Cipher.DECRYPT_MODE, key, bits, wire.substring(0, 16), Base64.getDecoder().decode(wire.substring(16)));
            return plain.length == 0 && wire.length() == 16 ? null : UTF_8.newDecoder().decode(ByteBuffer.wrap(plain)).toString();
        } catch (GeneralSecurityException | java.io.IOException | RuntimeException undecryptable) {
            return null;
        }
    }

    // The pairs of a raw query, decoded once.
    static List<String[]> pairs(String query) {
        var pairs = new ArrayList<String[]>();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            String[] both = pair.split("=", 2);
            if (!pair.isEmpty()) pairs.add(new String[] {URLDecoder.decode(both[0], UTF_8), URLDecoder.decode(both.length > 1 ? both[1] : "", UTF_8)});
        }
        return pairs;
    }

    // URLEncoder writes forms, not URLs: a blank as "+", and it keeps "*".
    static String encode(String text) {
        return URLEncoder.encode(text, UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
    }

    // SDK-HMAC-SHA256 over the request line's target and the headers named in signed.
    static String akskSignature(String sk, String method, String target, Map<String, String> headers, List<String> signed, byte[] body)
            throws GeneralSecurityException {
        String[] parts = target.split("\\?", 2);
        String uri = Arrays.stream(parts[0].split("/", -1)).map(s -> encode(URLDecoder.decode(s.replace("+", "%2B"), UTF_8))).collect(Collectors.joining("/"));
        String query = pairs(parts.length > 1 ? parts[1] : "").stream()
            .sorted(Comparator.<String[], String>comparing(p -> p[0]).thenComparing(p -> p[1]))
            .map(p -> encode(p[0]) + "=" + encode(p[1])).collect(Collectors.joining("&"));
        var lines = new ArrayList<>(List.of(method, uri.endsWith("/") ? uri : uri + "/", query));
        signed.stream().sorted().forEach(name -> lines.add(name + ":" + headers.get(name).strip()));
        lines.addAll(List.of("", signed.stream().sorted().collect(Collectors.joining(";")), headers.getOrDefault("x-sdk-content-sha256", sha256(body))));
        String text = "SDK-HMAC-SHA256\n" + headers.get("x-sdk-date") + "\n" + sha256(String.join("\n", lines).getBytes(UTF_8));
        return hex(mac(sk, text.getBytes(UTF_8)));
    }

    // What V2 does not send: product and size of an order line.
    static Map<String, String> queryOrder(String marketplace, String ak, String sk, String order, String line) throws Exception {
        URI base = URI.create(marketplace);
        String target = base.getRawPath().replaceAll("/$", "") + "/api/mkp-openapi-public/global/v1/order/query?orderId=" + encode(order)
            + "&orderLineId=" + encode(line);
        String date = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC).format(Instant.now());
        String signature = akskSignature(sk, "GET", target, Map.of("host", base.getRawAuthority(), "x-sdk-date", date), List.of("host", "x-sdk-date"), new byte[0]);
        var answer = HTTP.send(HttpRequest.newBuilder(URI.create(base.getScheme() + "://" + base.getRawAuthority() + target))
            .timeout(Duration.ofSeconds(4)) // the marketplace waits 5 s for us
            .header("X-Sdk-Date", date).header("Content-Type", "application/json")
            .header("Authorization", "SDK-HMAC-SHA256 Access=" + ak + ", SignedHeaders=host;x-sdk-date, Signature=" + signature).build(), BodyHandlers.ofByteArray());
        JsonNode read = JSON.readTree(answer.body());
        for (JsonNode found : read.path("orderInfo").path("orderLine")) {
            if (!found.path("orderLineId").asText().equals(line)) continue;
            JsonNode product = found.path("productInfo").path(0);
            var bought = new LinkedHashMap<String, String>();
            bought.put("productId", product.path("productId").asText());
            bought.put("skuCode", product.path("skuCode").asText());
            bought.put("amount", product.path("linearValue").asText(""));
            bought.put("expireTime", found.path("expireTime").asText(""));
            bought.values().removeIf(String::isEmpty);
            return bought;
        }
        throw new IllegalStateException("order " + order + " is not to be had: HTTP " + answer.statusCode() + " " + read.path("resultCode").asText());
    }


    // --- The shared vectors -------------------------------------------------------------

    /** What this file makes of a vector; null for kinds that it does not know. */
    static String compute(JsonNode v) throws GeneralSecurityException, java.io.IOException {
        String key = v.path("key").asText(), plain = v.path("plain").asText();
        byte[] body = v.path("body").asText().getBytes(UTF_8);
        switch (v.path("kind").asText()) {
            case "v1-token": return authToken(parameters(v.path("query").asText()), key);
            case "v1-verify": return verifyV1(key, v.path("query").asText()) == null ? "000001" : "";
            case "v2-signature": return v2Signature(key, v.path("nonce").asText(), v.path("timestamp").asText(), body);
            case "v2-verify": return verifyV2(key, v.path("query").asText(), body, v.path("now").asLong()).code();
            case "body-sign": return bodySignature(key, body);
            case "answer": {
                JsonNode app = JSON.readTree(body).path("appInfo");
                boolean opened = v.path("plain").path("user_name").asText().equals(openSealed(key, app.path("userName").asText(), 256))
                    && v.path("plain").path("password").asText().equals(openSealed(key, app.path("password").asText(), 256));
                return opened ? bodySignature(key, body) : "not opened";
            }
            case "aes-key": return hex(deriveKey(key, v.path("bits").asInt()));
            case "seal": return seal(key, plain, v.path("bits").asInt(), v.path("iv").asText());
            case "open": {
                String text = openSealed(key, v.path("wire").asText(), v.path("bits").asInt());
                return text == null ? "" : text;
            }
            case "percent-encoding": return encode(plain);
            case "aksk": {
                if (v.path("double_path").asBoolean()) return null;
                var headers = new TreeMap<>(Map.of("host", v.path("host").asText()));
                v.path("header").fields().forEachRemaining(h -> headers.put(h.getKey().toLowerCase(Locale.ROOT), h.getValue().asText()));
                var signed = new ArrayList<String>();
                v.path("signed").forEach(name -> signed.add(name.asText()));
                return akskSignature(key, v.path("method").asText(), v.path("target").asText(), headers, signed, body);
            }
            default: return null;
        }
    }

    /** Compares every vector; the exit code. */
    static int check(Path file) throws Exception {
        int held = 0, wrong = 0;
        var skipped = new TreeSet<String>();
        for (JsonNode v : JSON.readTree(Files.readAllBytes(file))) {
            String kind = v.path("kind").asText(), got = compute(v), expected = v.path("expected").asText();
            if (got == null) skipped.add(kind + (v.path("double_path").asBoolean() ? " with double_path" : ""));
            else if (got.equals(expected) == (v.path("valid").asBoolean() || kind.endsWith("-verify"))) held++;
            else {
                wrong++;
                System.out.println(kind + " \"" + v.path("name").asText() + "\": \"" + got + "\", expected \"" + expected + "\"");
            }
        }
        System.out.println(held + " vectors hold, " + wrong + " do not; kinds skipped: " + String.join(", ", skipped));
        return wrong > 0 || held == 0 ? 1 : 0;
    }
}
