import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Courier: the server of an Android app with Tencent's SDK. Couriers confirm the receipt of money by fingerprint. Signatures are
 * verified here; WeChat's TAM is asked whether an ASK is a real phone's.
 */
public class Server {
    static final String WECHAT = System.getenv("SOTER_SIM_URL"), APPID = System.getenv("SOTER_SIM_APPID"), SECRET = System.getenv("SOTER_SIM_SECRET");
    static final long SESSION_MS = 7_200_000, RECEIPT_MS = 300_000;
    static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    static final SecureRandom RANDOM = new SecureRandom();

    record Session(String courier, long until) {}
    record Receipt(String courier, String challenge, long until) {}
    /** An exported key, or a result: what stands in its JSON. */
    record Document(String raw, String pem, String cpu, String uid, long counter, int salt) {}
    static final class Phone { String courier, uid; RSAPublicKey ask, authKey; int askSalt, salt; long counter; }
    static class Refused extends RuntimeException {
        final int status;
        Refused(int status, String reason) { super(reason); this.status = status; }
    }

    static final Map<String, byte[]> passwords = new HashMap<>();
    static final Map<String, Session> sessions = new HashMap<>();
    static final Map<String, Receipt> receipts = new HashMap<>();
    /** By cpu_id. A phone stays with the courier who enrolled it. */
    static final Map<String, Phone> phones = new HashMap<>();
    static final Map<String, String> phoneOf = new HashMap<>();

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", Server::handle);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.start();
        System.out.println("courier on " + port);
    }

    static void handle(HttpExchange exchange) throws IOException {
        int status = 200;
        String body;
        try {
            Map<String, String> form = form(new String(exchange.getRequestBody().readNBytes(16_384), StandardCharsets.UTF_8));
            synchronized (Server.class) { body = route(exchange.getRequestURI().getPath(), form); }
        } catch (Refused refused) {
            status = refused.status;
            body = "{\"error\":\"" + refused.getMessage() + "\"}";
        } catch (Exception error) {
            status = 500;
            body = "{\"error\":\"internal\"}";
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    static String route(String path, Map<String, String> form) throws Exception {
        if (path.equals("/login")) {
            String courier = need(form, "courier");
            byte[] hash = MessageDigest.getInstance("SHA-256").digest((courier + "\n" + need(form, "password")).getBytes(StandardCharsets.UTF_8));
            if (!MessageDigest.isEqual(passwords.computeIfAbsent(courier, first -> hash), hash)) throw new Refused(401, "password");
            String token = random();
            sessions.put(token, new Session(courier, System.currentTimeMillis() + SESSION_MS));
            return "{\"token\":\"" + token + "\"}";
        }
        Session session = sessions.get(need(form, "token"));
        if (session == null || session.until < System.currentTimeMillis()) throw new Refused(401, "log in again");
        String courier = session.courier;
        switch (path) {
            case "/soter/ask" -> {
                String json = need(form, "json"), signature = need(form, "signature");
                if (!isGenuine(json, signature)) throw new Refused(403, "not a known phone");
                Document ask = document(json);
                Phone phone = phones.getOrDefault(ask.cpu, new Phone());
                if (phone.courier != null && !phone.courier.equals(courier)) throw new Refused(403, "the phone is another courier's");
                if (ask.counter <= phone.counter) throw new Refused(403, "old");
                phone.courier = courier;
                phone.uid = ask.uid;
                phone.ask = key(ask.pem);
                phone.askSalt = ask.salt;
                phone.authKey = null;
                phone.counter = ask.counter;
                phones.put(ask.cpu, phone);
                phoneOf.put(courier, ask.cpu);
                return "{\"ok\":true}";
            }
            case "/soter/authkey" -> {
                String json = need(form, "json");
                Document authKey = document(json);
                Phone phone = phoneFor(courier, authKey);
                if (!isSigned(json, need(form, "signature"), phone.ask, phone.askSalt)) throw new Refused(403, "signature");
                if (authKey.counter <= phone.counter) throw new Refused(403, "old");
                phone.authKey = key(authKey.pem);
                phone.salt = authKey.salt;
                phone.counter = authKey.counter;
                return "{\"ok\":true}";
            }
            case "/receipt" -> {
                String id = random().substring(0, 16), challenge = random();
                receipts.put(id, new Receipt(courier, challenge, System.currentTimeMillis() + RECEIPT_MS));
                return "{\"receipt\":\"" + id + "\",\"challenge\":\"" + challenge + "\"}";
            }
            case "/receipt/sign" -> {
                Receipt receipt = receipts.get(need(form, "receipt"));
                if (receipt == null || !receipt.courier.equals(courier) || receipt.until < System.currentTimeMillis()) throw new Refused(409, "no such receipt");
                receipts.remove(form.get("receipt"));
                String json = need(form, "json");
                Document result = document(json);
                Phone phone = phoneFor(courier, result);
                if (phone.authKey == null || !isSigned(json, need(form, "signature"), phone.authKey, phone.salt)) throw new Refused(403, "signature");
                if (!receipt.challenge.equals(result.raw)) throw new Refused(403, "another receipt");
                if (result.counter <= phone.counter) throw new Refused(403, "old");
                phone.counter = result.counter;
                return "{\"signed\":true}";
            }
            default -> throw new Refused(404, "path");
        }
    }

    static Phone phoneFor(String courier, Document document) {
        Phone phone = phones.get(document.cpu);
        if (phone == null || !document.cpu.equals(phoneOf.get(courier)) || !phone.uid.equals(document.uid)) throw new Refused(403, "not this courier's phone");
        return phone;
    }

    static boolean isGenuine(String json, String signature) throws Exception {
        String token = wechat("/cgi-bin/token?grant_type=client_credential&appid=" + APPID + "&secret=" + SECRET, null).get("access_token");
        if (token == null) throw new Refused(502, "wechat");
        Map<String, String> answer = wechat("/cgi-bin/soter_3rdapp/verify_ask?access_token=" + encode(token), "{\"ask_json\":" + quote(json) + ",\"ask_json_signature\":" + quote(signature) + "}");
        return "true".equals(answer.get("is_verified")) && "0".equals(answer.getOrDefault("errcode", "0"));
    }

    static boolean isSigned(String json, String signature, RSAPublicKey key, int salt) throws Exception {
        Signature verifier = Signature.getInstance("RSASSA-PSS");
        verifier.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, salt, 1));
        verifier.initVerify(key);
        verifier.update(json.getBytes(StandardCharsets.UTF_8));
        try {
            return verifier.verify(Base64.getDecoder().decode(signature));
        } catch (IllegalArgumentException | java.security.SignatureException notASignature) {
            return false;
        }
    }

    static RSAPublicKey key(String pem) throws Exception {
        String body = pem.replace("-----BEGIN PUBLIC KEY-----", "").replace("-----END PUBLIC KEY-----", "").replaceAll("\\s", "");
        if (!(KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(Base64.getDecoder().decode(body))) instanceof RSAPublicKey key) || key.getModulus().bitLength() != 2048 || key.getPublicExponent().intValueExact() != 65537) throw new Refused(403, "key");
        return key;
    }

    static Document document(String json) {
        Map<String, String> members = flat(json);
        String counter = members.getOrDefault("counter", ""), salt = members.getOrDefault("rsa_pss_saltlen", "20");
        if (!counter.matches("\\d{1,18}") || !salt.matches("20|32") || members.getOrDefault("cpu_id", "").isEmpty() || members.getOrDefault("uid", "").isEmpty()) throw new Refused(403, "document");
        return new Document(members.get("raw"), members.getOrDefault("pub_key", ""), members.get("cpu_id"), members.get("uid"), Long.parseLong(counter), Integer.parseInt(salt));
    }

    static Map<String, String> wechat(String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(WECHAT + path)).timeout(Duration.ofSeconds(5));
        if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
        return flat(HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString()).body());
    }

    static String need(Map<String, String> form, String name) {
        String value = form.get(name);
        if (value == null || value.isEmpty()) throw new Refused(400, name + " is missing");
        return value;
    }

    static Map<String, String> form(String body) {
        Map<String, String> fields = new HashMap<>();
        for (String pair : body.split("&")) {
            String[] parts = pair.split("=", 2);
            if (parts.length == 2) fields.put(URLDecoder.decode(parts[0], StandardCharsets.UTF_8), URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return fields;
    }

    static final Pattern MEMBER = Pattern.compile("\\s*\"((?:[^\"\\\\]|\\\\.)*)\"\\s*:\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|(-?[0-9.eE+-]+|true|false|null))\\s*(,|\\}\\s*$)");

    /** The members of a JSON object without objects in it. */
    static Map<String, String> flat(String json) {
        Map<String, String> members = new LinkedHashMap<>();
        String text = json.strip();
        if (!text.startsWith("{")) throw new Refused(403, "not an object");
        Matcher member = MEMBER.matcher(text).region(1, text.length());
        while (member.lookingAt()) {
            if (members.put(member.group(1), member.group(2) != null ? unescape(member.group(2)) : member.group(3)) != null) throw new Refused(403, "twice");
            if (!member.group(4).equals(",")) return members;
            member.region(member.end(), text.length());
        }
        throw new Refused(403, "not JSON");
    }

    static String unescape(String text) {
        return Pattern.compile("\\\\(?:u([0-9a-fA-F]{4})|(.))").matcher(text).replaceAll(found -> Matcher.quoteReplacement(found.group(1) != null
            ? String.valueOf((char) Integer.parseInt(found.group(1), 16))
            : switch (found.group(2)) { case "n" -> "\n"; case "r" -> "\r"; case "t" -> "\t"; case "b" -> "\b"; case "f" -> "\f"; default -> found.group(2); }));
    }

    static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) quoted.append(c == '"' || c == '\\' ? "\\" + c : c < 0x20 ? String.format("\\u%04x", (int) c) : String.valueOf(c));
        return quoted.append('"').toString();
    }

    static String encode(String text) { return URLEncoder.encode(text, StandardCharsets.UTF_8); }

    static String random() {
        byte[] bytes = new byte[24];
        RANDOM.nextBytes(bytes);
        return java.util.HexFormat.of().formatHex(bytes);
    }
}
