// Runs a recipe of this folder on the cases of `soter-sim vectors DIR`.
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

final class Cases {
    /** What a server keeps of an ASK whose key has this PEM. */
    interface Ask<K> {
        K of(String pem, int saltLength, String cpuId, String uid, long counter) throws Exception;
    }

    interface AcceptAuthKey<K> {
        K from(K ask, byte[] text, byte[] signature) throws Exception;
    }

    interface CheckResult<K> {
        long of(K authKey, byte[] text, byte[] signature, String challenge, long highestCounter) throws Exception;
    }

    /** Takes the recipe's methods, and the exception whose message is the check that refuses. Exits with 0 if all cases are as expected. */
    static <K> void run(String library, String directory, Class<? extends Exception> refused, Ask<K> ask,
            AcceptAuthKey<K> acceptAuthKey, CheckResult<K> checkResult) throws Exception {
        Path folder = Path.of(directory);
        System.out.println("library: " + library);
        JsonObject manifest = JsonParser.parseString(Files.readString(folder.resolve("manifest.json"))).getAsJsonObject();
        int code = 0;
        for (JsonElement element : manifest.getAsJsonArray("cases")) {
            JsonObject test = element.getAsJsonObject();
            String check = judge(folder, test, refused, ask, acceptAuthKey, checkResult);
            System.out.println(test.get("name").getAsString() + ": " + check);
            JsonElement expected = test.get("refusedBy");
            if (!check.equals(expected.isJsonNull() ? "accepted" : expected.getAsString())) code = 1;
        }
        System.exit(code);
    }

    private static <K> String judge(Path folder, JsonObject test, Class<? extends Exception> refused, Ask<K> ask,
            AcceptAuthKey<K> acceptAuthKey, CheckResult<K> checkResult) throws Exception {
        JsonObject known = test.getAsJsonObject("ask");
        JsonObject authKey = test.getAsJsonObject("authKey"), result = test.getAsJsonObject("result");
        if (!known.get("verified").getAsBoolean()) return "ask";
        try {
            String pem = new String(read(folder, known.get("key")), StandardCharsets.UTF_8);
            K confirmed = ask.of(pem, known.get("saltLength").getAsInt(), known.get("cpuId").getAsString(),
                    known.get("uid").getAsString(), known.get("counter").getAsLong());
            K accepted = acceptAuthKey.from(
                    confirmed, read(folder, authKey.get("json")), read(folder, authKey.get("signature")));
            checkResult.of(accepted, read(folder, result.get("json")), read(folder, result.get("signature")),
                    test.get("challenge").getAsString(), test.get("highestCounter").getAsLong());
            return "accepted";
        } catch (Exception exception) {
            if (!refused.isInstance(exception)) throw exception;
            return exception.getMessage();
        }
    }

    private static byte[] read(Path folder, JsonElement name) throws Exception {
        return Files.readAllBytes(folder.resolve(name.getAsString()));
    }

    static String jdk() {
        Runtime.Version version = Runtime.version();
        return "JDK " + version.feature() + "." + version.interim() + "." + version.update();
    }

    private Cases() {}
}
