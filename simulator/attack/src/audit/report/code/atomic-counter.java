import java.sql.Connection;
import java.sql.SQLException;

final class AtomicCounter {
    /**
     * Table phones: cpu_id (primary key), highest (BIGINT). The row of a new phone begins with -1.
     * Only after the signature was verified. The condition and the change are one statement.
     */
    static boolean spend(Connection db, String cpuId, long counter) throws SQLException {
        try (var add = db.prepareStatement(
                "INSERT INTO phones (cpu_id, highest) VALUES (?, -1) ON CONFLICT DO NOTHING")) {
            add.setString(1, cpuId);
            add.executeUpdate();
        }
        try (var spend = db.prepareStatement(
                "UPDATE phones SET highest = ? WHERE cpu_id = ? AND highest < ?")) {
            spend.setLong(1, counter);
            spend.setString(2, cpuId);
            spend.setLong(3, counter);
            return spend.executeUpdate() == 1; // otherwise the result is a replay: refuse it
        }
    }
}
