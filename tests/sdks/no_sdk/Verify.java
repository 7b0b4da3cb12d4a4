// A Java program of the JDK alone, with WeChat's own address: token, session, a good and a tampered result. First with
// java.net.http.HttpClient, then with HttpURLConnection.
//
// Run as:  soter-sim exec --tls --touch auto -- java tests/sdks/no_sdk/Verify.java

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.regex.Pattern;

public class Verify {
    private static final String WECHAT = "https://api.weixin.qq.com";

    /** Sends a request and returns the answer. Without a body it is a GET. */
    private interface Transport {
        String call(URI url, String body) throws IOException, InterruptedException;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        HttpClient client = HttpClient.newHttpClient();
        run((url, body) -> byHttpClient(client, url, body));
        run(Verify::byConnection);
        System.out.println("JDK, HttpClient and HttpURLConnection: token, session, tampered, good: as with WeChat");
    }

    private static void run(Transport transport) throws IOException, InterruptedException {
        String app = "?appid=" + System.getenv("SOTER_SIM_APPID") + "&secret=" + System.getenv("SOTER_SIM_SECRET");
        String token = member(wechat(transport, "/cgi-bin/token" + app + "&grant_type=client_credential", null), "access_token");

        String code = member(phone(transport, "wx.login", "{}"), "code");
        String session = wechat(transport, "/sns/jscode2session" + app + "&grant_type=authorization_code&js_code=" + code, null);
        String openid = member(session, "openid");

        String signed = phone(transport, "wx.startSoterAuthentication",
                "{\"requestAuthModes\":[\"fingerPrint\"],\"challenge\":\"order-42\"}");
        String result = member(signed, "resultJSON");
        String tampered = result.replace("order-42", "order-43");
        for (String sent : new String[] {tampered, result}) {
            String body = "{\"openid\":\"" + openid + "\",\"json_string\":\"" + sent + "\",\"json_signature\":\""
                    + member(signed, "resultJSONSignature") + "\"}";
            String verdict = wechat(transport, "/cgi-bin/soter/verify_signature?access_token=" + token, body);
            boolean good = sent.equals(result);
            if (!verdict.contains("\"is_ok\":" + good)) throw new IllegalStateException("not " + good + ": " + verdict);
        }
    }

    private static String wechat(Transport transport, String path, String body) throws IOException, InterruptedException {
        return transport.call(URI.create(WECHAT + path), body);
    }

    /** Calls the phone as a front end does. */
    private static String phone(Transport transport, String method, String params) throws IOException, InterruptedException {
        String call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + method + "\",\"params\":" + params + "}";
        return transport.call(URI.create(System.getenv("SOTER_SIM_URL") + "/rpc"), call);
    }

    /** A member of an answer, with its escapes: the JDK reads no JSON, and the text is sent on in JSON. */
    private static String member(String answer, String name) {
        var found = Pattern.compile("\"" + name + "\":\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(answer);
        if (!found.find()) throw new IllegalStateException("no " + name + " in " + answer);
        return found.group(1);
    }

    private static String byHttpClient(HttpClient client, URI url, String body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(url);
        if (body != null) request.POST(BodyPublishers.ofString(body));
        return client.send(request.build(), BodyHandlers.ofString()).body();
    }

    private static String byConnection(URI url, String body) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) url.toURL().openConnection();
        if (body != null) {
            connection.setDoOutput(true);
            try (var output = connection.getOutputStream()) {
                output.write(body.getBytes("UTF-8"));
            }
        }
        try (var input = connection.getInputStream()) {
            return new String(input.readAllBytes(), "UTF-8");
        }
    }
}
