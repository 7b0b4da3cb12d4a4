import java.util.Map;

final class SessionOpenid {
    record Session(long userId, String openid) {}

    record Order(long userId, long amount, String challenge) {}

    record Payment(String openid, Order order, String resultJson, String signature) {}

    /** Nothing of the request but the text and its signature. Session and order are the server's own. */
    static Payment payment(Session session, Order order, Map<String, String> body) {
        if (session == null || order == null || order.userId() != session.userId()) {
            throw new SecurityException("no such order of this user");
        }
        return new Payment(session.openid(), order, body.get("resultJSON"), body.get("resultJSONSignature"));
    }
}
