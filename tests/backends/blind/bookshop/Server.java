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

/** Bookshop: books are reserved, then paid by fingerprint. Requests are forms, answers are JSON. */
public class Server {
    static final String WECHAT = System.getenv("SOTER_SIM_URL"), APPID = System.getenv("SOTER_SIM_APPID"), SECRET = System.getenv("SOTER_SIM_SECRET");
    static final long SESSION_MS = 7_200_000, ORDER_MS = 300_000;
    static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    static final SecureRandom RANDOM = new SecureRandom();

    record Session(String openid, long until) {}
    static final class Order { String owner, challenge, state = "reserved"; long until; }
    static class Refused extends RuntimeException {
        final int status;
        Refused(int status, String reason) { super(reason); this.status = status; }
    }

    static final Map<String, Session> sessions = new HashMap<>();
    static final Map<String, Order> orders = new HashMap<>();
    static final Map<String, Long> counters = new HashMap<>();
    static final Map<String, String> verified = new HashMap<>();

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", Server::handle);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.start();
        System.out.println("bookshop on " + port);
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
        switch (path) {
            case "/login" -> {
                String openid = wechat("/sns/jscode2session?appid=" + APPID + "&secret=" + SECRET + "&grant_type=authorization_code&js_code=" + encode(need(form, "code")), null).get("openid");
                if (openid == null) throw new Refused(401, "login");
                String token = random();
                sessions.put(token, new Session(openid, System.currentTimeMillis() + SESSION_MS));
                return "{\"token\":\"" + token + "\"}";
            }
            case "/reserve" -> {
                Order order = new Order();
                order.owner = user(form);
                order.challenge = random();
                order.until = System.currentTimeMillis() + ORDER_MS;
                String id = random().substring(0, 12);
                orders.put(id, order);
                return "{\"reservation\":\"" + id + "\",\"fen\":4500,\"toSign\":\"" + order.challenge + "\"}";
            }
            case "/pay" -> {
                String openid = user(form), json = need(form, "json"), signature = need(form, "signature");
                Order order = orders.get(need(form, "reservation"));
                if (order == null || !order.owner.equals(openid) || !order.state.equals("reserved") || order.until < System.currentTimeMillis()) throw new Refused(409, "no such reservation");
                if (!isSigned(openid, json, signature)) throw new Refused(403, "signature");
                Map<String, String> result = flat(json);
                String cpu = result.get("cpu_id"), counter = result.get("counter");
                if (cpu == null || cpu.isEmpty() || counter == null || !counter.matches("\\d{1,18}") || !order.challenge.equals(result.get("raw"))) throw new Refused(403, "result");
                if (Long.parseLong(counter) <= counters.getOrDefault(cpu, 0L)) throw new Refused(403, "counter");
                counters.put(cpu, Long.parseLong(counter));
                order.state = "paid";
                return "{\"state\":\"paid\"}";
            }
            default -> throw new Refused(404, "path");
        }
    }

    /** Asks WeChat once for each signature: the client repeats its request when the line is bad. */
    static boolean isSigned(String openid, String json, String signature) throws Exception {
        if (openid.equals(verified.get(signature))) return true;
        String token = wechat("/cgi-bin/token?grant_type=client_credential&appid=" + APPID + "&secret=" + SECRET, null).get("access_token");
        if (token == null) throw new Refused(502, "wechat");
        Map<String, String> answer = wechat("/cgi-bin/soter/verify_signature?access_token=" + encode(token), "{\"openid\":" + quote(openid) + ",\"json_string\":" + quote(json) + ",\"json_signature\":" + quote(signature) + "}");
        boolean isOk = "true".equals(answer.get("is_ok")) && "0".equals(answer.getOrDefault("errcode", "0"));
        if (isOk) verified.put(signature, openid);
        return isOk;
    }

    static Map<String, String> wechat(String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(WECHAT + path)).timeout(Duration.ofSeconds(5));
        if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
        return flat(HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString()).body());
    }

    static String user(Map<String, String> form) {
        Session session = sessions.get(need(form, "token"));
        if (session == null || session.until < System.currentTimeMillis()) throw new Refused(401, "log in again");
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
