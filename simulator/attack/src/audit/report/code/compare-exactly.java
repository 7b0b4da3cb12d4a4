import java.util.Map;

final class CompareExactly {
    /** {@code result} is the parsed resultJSON, {@code challenge} what was stored with this session's order. */
    static boolean isForOrder(Map<String, Object> result, String challenge) {
        return result.get("raw") instanceof String raw && raw.equals(challenge);
    }
}
