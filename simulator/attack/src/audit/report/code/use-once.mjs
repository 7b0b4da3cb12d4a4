// In one transaction with what the payment does. Only the first of two requests changes a row, also if both come at once.
export async function takeOrder(db, orderId, userId) {
  const { rows } = await db.query(
    "UPDATE orders SET state = 'paid' WHERE id = $1 AND user_id = $2 AND state = 'open' RETURNING challenge",
    [orderId, userId],
  );
  return rows[0]; // undefined: it is paid already, or somebody else's: refuse the result
}
