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
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sauna: evenings are booked and paid by fingerprint. Each answer takes its time; after a refusal the guest waits a second. */
public class Server {
    static final String WECHAT = System.getenv("SOTER_SIM_URL"), APPID = System.getenv("SOTER_SIM_APPID"), SECRET = System.getenv("SOTER_SIM_SECRET");
    static final long SESSION_MS = 7_200_000, ORDER_MS = 300_000, SLOWNESS_MS = 300, LOCK_MS = 1000;
    static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    static final SecureRandom RANDOM = new SecureRandom();

    record Session(String openid, long until) {}
    record Evening(String openid, String challenge, long until) {}
    static class Refused extends RuntimeException {
        final int status;
        Refused(int status, String reason) { super(reason); this.status = status; }
    }

    static final Map<String, Session> sessions = new HashMap<>();
    static final Map<String, Evening> evenings = new HashMap<>();
    static final Map<String, Long> counters = new HashMap<>();
    /** Until when a guest is locked out, by openid. */
    static final Map<String, Long> locks = new HashMap<>();

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", Server::handle);
        server.setExecutor(Executors.newFixedThreadPool(32));
        server.start();
        System.out.println("sauna on " + port);
    }

    static void handle(HttpExchange exchange) throws IOException {
        int status = 200;
        String body;
        try {
            Map<String, String> form = form(new String(exchange.getRequestBody().readNBytes(16_384), StandardCharsets.UTF_8));
            Thread.sleep(SLOWNESS_MS);
            synchronized (Server.class) { body = route(exchange, form); }
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

    static String route(HttpExchange exchange, Map<String, String> form) throws Exception {
        switch (exchange.getRequestURI().getPath()) {
            case "/login" -> {
                String openid = wechat("/sns/jscode2session?appid=" + APPID + "&secret=" + SECRET + "&grant_type=authorization_code&js_code=" + encode(need(form, "code")), null).get("openid");
                if (openid == null) throw new Refused(401, "login");
                String token = random();
                sessions.put(token, new Session(openid, System.currentTimeMillis() + SESSION_MS));
                return "{\"token\":\"" + token + "\"}";
            }
            case "/evening" -> {
                String openid = user(exchange), id = random().substring(0, 16), challenge = random();
                evenings.put(id, new Evening(openid, challenge, System.currentTimeMillis() + ORDER_MS));
                return "{\"evening\":{\"id\":\"" + id + "\",\"fen\":19900},\"challenge\":\"" + challenge + "\"}";
            }
            case "/evening/pay" -> {
                String openid = user(exchange), json = need(form, "json"), signature = need(form, "signature");
                Evening evening = evenings.get(need(form, "evening"));
                if (evening == null || !evening.openid.equals(openid) || evening.until < System.currentTimeMillis()) throw refusal(openid, "no such evening");
                evenings.remove(form.get("evening"));
                if (!isSigned(openid, json, signature)) throw refusal(openid, "signature");
                Map<String, String> result;
                try {
                    result = flat(json);
                } catch (Refused notJson) {
                    throw refusal(openid, "result");
                }
                String cpu = result.get("cpu_id"), counter = result.get("counter");
                if (cpu == null || cpu.isEmpty() || counter == null || !counter.matches("\\d{1,18}") || !evening.challenge.equals(result.get("raw"))) throw refusal(openid, "result");
                if (Long.parseLong(counter) <= counters.getOrDefault(cpu, 0L)) throw refusal(openid, "counter");
                counters.put(cpu, Long.parseLong(counter));
                return "{\"paid\":true}";
            }
            default -> throw new Refused(404, "path");
        }
    }

    static Refused refusal(String openid, String reason) {
        locks.put(openid, System.currentTimeMillis() + LOCK_MS);
        return new Refused(403, reason);
    }

    static boolean isSigned(String openid, String json, String signature) throws Exception {
        String token = wechat("/cgi-bin/token?grant_type=client_credential&appid=" + APPID + "&secret=" + SECRET, null).get("access_token");
        if (token == null) return false;
        Map<String, String> answer = wechat("/cgi-bin/soter/verify_signature?access_token=" + encode(token), "{\"openid\":" + quote(openid) + ",\"json_string\":" + quote(json) + ",\"json_signature\":" + quote(signature) + "}");
        return "true".equals(answer.get("is_ok")) && "0".equals(answer.getOrDefault("errcode", "0"));
    }

    static Map<String, String> wechat(String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(WECHAT + path)).timeout(Duration.ofSeconds(5));
        if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
        return flat(HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString()).body());
    }

    static String user(HttpExchange exchange) {
        Session session = sessions.get(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")).replaceFirst("^Bearer ", ""));
        if (session == null || session.until < System.currentTimeMillis()) throw new Refused(401, "log in again");
        if (locks.getOrDefault(session.openid, 0L) > System.currentTimeMillis()) throw new Refused(423, "wait a second");
        return session.openid;
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

    /** The members of a JSON object without objects in it. Texts keep their escapes, which nothing here contains. */
    static Map<String, String> flat(String json) {
        Map<String, String> members = new LinkedHashMap<>();
        String text = json.strip();
        if (!text.startsWith("{")) throw new Refused(403, "not an object");
        Matcher member = MEMBER.matcher(text).region(1, text.length());
        while (member.lookingAt()) {
            if (members.put(member.group(1), member.group(2) != null ? member.group(2) : member.group(3)) != null) throw new Refused(403, "twice");
            if (!member.group(4).equals(",")) return members;
            member.region(member.end(), text.length());
        }
        throw new Refused(403, "not JSON");
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
