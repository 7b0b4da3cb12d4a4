import java.util.Map;

final class FailClosed {
    /**
     * True for one answer alone: status 200, and is_ok is the boolean true. {@code answer} is null if there was none in
     * time, or it was not JSON: then ask again later, and pay nothing until then.
     */
    static boolean isVerified(int status, Map<String, Object> answer) {
        return status == 200 && answer != null && Boolean.TRUE.equals(answer.get("is_ok"));
    }
}
