import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

final class ParseOnce {
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** Parse the very text that was verified, once, and pass the values on, not the text. */
    static JsonNode read(String resultJson) throws IOException {
        JsonNode result = MAPPER.readTree(resultJson);
        for (String name : new String[] {"raw", "cpu_id", "uid"}) {
            if (!result.path(name).isTextual()) throw new IOException("not a result of a phone");
        }
        JsonNode counter = result.path("counter");
        if (!counter.isIntegralNumber() || !counter.canConvertToLong() || counter.longValue() < 0) {
            throw new IOException("no counter");
        }
        return result;
    }
}
