import java.sql.Connection;
import java.sql.SQLException;

final class UseOnce {
    /** In one transaction with what the payment does. Only the first of two requests at once changes a row. */
    static boolean takeOrder(Connection db, long orderId, long userId) throws SQLException {
        try (var take = db.prepareStatement(
                "UPDATE orders SET state = 'paid' WHERE id = ? AND user_id = ? AND state = 'open'")) {
            take.setLong(1, orderId);
            take.setLong(2, userId);
            return take.executeUpdate() == 1; // otherwise it is paid already: refuse the result
        }
    }
}
