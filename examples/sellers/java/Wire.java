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

    // V2 request: the raw bytes, not a map that was parsed and written again.
    static String v2Signature(String key, String nonce, String timestamp, byte[] body) throws GeneralSecurityException {
        String inner = hex(mac(key, body));
        return hex(mac(key, (key + nonce + timestamp + inner).getBytes(UTF_8))).toUpperCase(Locale.ROOT);
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
            .sorted(Comparator.<String[], String>comparing(p -> p[0]).thenComparing(p -> encode(p[1])))
            .map(p -> encode(p[0]) + "=" + encode(p[1])).collect(Collectors.joining("&"));
        var lines = new ArrayList<>(List.of(method, uri.endsWith("/") ? uri : uri + "/", query));
        signed.stream().sorted().forEach(name -> lines.add(name + ":" + headers.get(name).strip()));
        lines.addAll(List.of("", signed.stream().sorted().collect(Collectors.joining(";")), sha256(body)));
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

    static int check(java.nio.file.Path file) { return 0; }
}
